//! One request and its answer: authentication, redirects and patience, for everything this crate asks of a registry.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use oci_image::InvalidName;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode, Url};
use tokio::sync::OnceCell;

use crate::ask::Ask;
use crate::auth::{Authorizer, Means};
use crate::config::Place as Site;
use crate::endpoint::{self, Endpoint};
use crate::error::{Place, RegistryError};
use crate::name::ImageName;
use crate::prefer::{Preferred, prefer};
use crate::redirect::{self, Step};
use crate::retry::Tries;
use crate::settings::Settings;
use crate::tls::Clients;
use crate::wait::{self, Patience, Pulse};
use crate::{limits, problem};

/// One repository of one registry, and who we are there.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) name: ImageName,
    pub(crate) patience: Patience,
    settings: Arc<Settings>,
    site: Site,
    over_tls: Endpoint,
    plain: Endpoint,
    /// Whether the registry speaks TLS, once that is known.
    speaks_tls: OnceCell<bool>,
    /// The clients and when they were made; read from files when the place is first asked.
    clients: Mutex<Option<(Clients, Instant)>>,
    auth: OnceCell<Authorizer>,
    /// What is wrong with the place's own settings. They are read once: a helper that hangs must not hang for each blob.
    unusable: OnceLock<Arc<RegistryError>>,
}

impl Session {
    /// Prepares a session. Nothing is asked and none of the place's own files is read yet.
    pub(crate) fn new(site: Site, settings: &Arc<Settings>) -> Result<Self, RegistryError> {
        let options = settings.options();
        let patience = Patience::new(options.timeout).with_least(options.transfer.min_rate);
        let name = site.name.clone();
        let endpoint = |tls| {
            Endpoint::new(name.host(), name.repository(), tls)
                .map_err(|reason| InvalidName::new(&name.to_string(), reason))
        };
        let (over_tls, plain) = (endpoint(true)?, endpoint(false)?);
        let is_plain = site.insecure && options.run.is_plain(name.host());
        let known = if site.insecure && !is_plain { None } else { Some(!is_plain) };
        let (speaks_tls, clients, auth) = (OnceCell::new_with(known), Mutex::new(None), OnceCell::new());
        let (settings, unusable) = (Arc::clone(settings), OnceLock::new());
        Ok(Self { name, patience, settings, site, over_tls, plain, speaks_tls, clients, auth, unusable })
    }

    /// Finds the credentials and certificates, for a place that will be asked in any case.
    pub(crate) fn prepare(&self) -> Result<(), RegistryError> {
        let found = self.clients().and_then(|_| self.settings.authorizer(&self.site));
        let authorizer = found.map_err(|error| self.note_unusable(error))?;
        // Somebody else may have been faster.
        let _ = self.auth.set(authorizer);
        Ok(())
    }

    /// Where the repository is, as far as is known; with TLS, until an answer came without.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        if self.speaks_tls.get() == Some(&false) { &self.plain } else { &self.over_tls }
    }

    /// Finds out whether the registry speaks TLS, where plain HTTP is allowed and it is not known, by asking what is to be
    /// asked anyway: the answer, where this was the one who asked.
    async fn settle(&self, clients: &Clients, ask: &Ask) -> Result<Option<Response>, RegistryError> {
        let mut first = None;
        let slot = &mut first;
        let find = || async move {
            // From far away, the one is on its way before the other has failed. Nothing secret is in it, and TLS goes first.
            let over_tls = self.first(clients, ask, &self.over_tls);
            let plain = async {
                tokio::time::sleep(limits::TLS_AHEAD).await;
                self.first(clients, ask, &self.plain).await
            };
            let (over_tls, plain) = match prefer(over_tls, plain).await {
                Preferred::First(response) => {
                    *slot = Some(response);
                    return Ok(true);
                }
                Preferred::Second(over_tls, plain) => (over_tls, plain),
            };
            let response = plain?;
            if problem::is_told_to_speak_tls(&response) {
                return Err(over_tls);
            }
            self.settings.options().run.note_plain(self.name.host());
            *slot = Some(response);
            Ok(false)
        };
        self.speaks_tls.get_or_try_init(find).await?;
        Ok(first.filter(|_| ask.payload.is_nothing()))
    }

    /// Asks at an endpoint that may not be there; where a body must not be lost, only whether anything answers.
    async fn first(&self, clients: &Clients, ask: &Ask, endpoint: &Endpoint) -> Result<Response, RegistryError> {
        let mut request = if ask.payload.is_nothing() {
            let mut request = Request::new(ask.method.clone(), endpoint.with_scheme(&ask.url));
            *request.headers_mut() = ask.headers.clone();
            request
        } else {
            Request::new(Method::GET, endpoint.ping())
        };
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let (client, url) = (clients.choose(true), request.url().clone());
        let answer = wait::answer(client.execute(request), &Pulse::new(), &self.patience, &ask.place).await;
        clients.judged(&url, true, answer)
    }

    /// The tries of one operation here.
    pub(crate) fn tries(&self) -> Tries {
        Tries::new(&self.settings.options().transfer)
    }

    /// Waits before the try after `error`, or gives it back. Connections that stood still are not used again: where many
    /// requests share one, the next would stand still with it.
    pub(crate) async fn recover(&self, tries: &mut Tries, error: RegistryError) -> Result<(), RegistryError> {
        self.renew(&error);
        tries.again(error).await
    }

    /// Makes new connections after an error that says that the old ones stand still.
    pub(crate) fn renew(&self, error: &RegistryError) {
        if !matches!(error, RegistryError::TimedOut { .. } | RegistryError::TooSlow { .. }) {
            return;
        }
        let mut clients = self.clients.lock().unwrap_or_else(|e| e.into_inner());
        if let Some((_, made)) = &*clients
            && made.elapsed() >= self.patience.idle
            && let Ok(new) = self.settings.clients(&self.site)
        {
            *clients = Some((new, Instant::now()));
        }
    }

    /// Who we are there and what to ask with: what is wrong with either is found once, and told each time.
    async fn means(&self) -> Result<(Clients, &Authorizer), RegistryError> {
        if let Some(error) = self.unusable.get() {
            return Err(RegistryError::Settings(Arc::clone(error)));
        }
        let found = match self.clients() {
            Ok(clients) => self.auth().await.map(|auth| (clients, auth)),
            Err(error) => Err(error),
        };
        found.map_err(|error| self.note_unusable(error))
    }

    fn note_unusable(&self, error: RegistryError) -> RegistryError {
        RegistryError::Settings(Arc::clone(self.unusable.get_or_init(|| Arc::new(error))))
    }

    fn clients(&self) -> Result<Clients, RegistryError> {
        let mut clients = self.clients.lock().unwrap_or_else(|e| e.into_inner());
        if let Some((clients, _)) = &*clients {
            return Ok(clients.clone());
        }
        let (made, _) = clients.insert((self.settings.clients(&self.site)?, Instant::now()));
        Ok(made.clone())
    }

    /// Who we are there. May run a credential helper.
    async fn auth(&self) -> Result<&Authorizer, RegistryError> {
        let find = || async { tokio::task::block_in_place(|| self.settings.authorizer(&self.site)) };
        self.auth.get_or_try_init(find).await
    }

    /// Whether `url` is on the registry itself.
    fn is_home(&self, url: &Url) -> bool {
        self.endpoint().is_home(url)
    }

    /// The words for what goes wrong with the body of an answer.
    pub(crate) fn place_of(&self, response: &Response, place: &Arc<Place>) -> Arc<Place> {
        if self.is_home(response.url()) { Arc::clone(place) } else { place.at(response.url()) }
    }

    /// The words that messages about an operation on this repository start with.
    pub(crate) fn place(&self, operation: &'static str, subject: impl Into<String>) -> Arc<Place> {
        Arc::new(Place {
            operation,
            subject: subject.into(),
            host: self.name.host().to_owned(),
            repository: self.name.repository().to_owned(),
            way: String::new(),
        })
    }

    /// Asks, and answers challenges. The answer may have any status but a redirect; a refused authentication comes
    /// back as it is.
    pub(crate) async fn send(&self, mut ask: Ask) -> Result<Response, RegistryError> {
        let place = Arc::clone(&ask.place);
        let (clients, auth) = self.means().await?;
        let mut first = self.settle(&clients, &ask).await?;
        let endpoint = self.endpoint();
        ask.url = endpoint.with_scheme(&ask.url);
        let means = Means { clients: &clients, endpoint, patience: &self.patience, place: &place };
        // The first refusal tells how to be asked; the second, that a token is not good any more, or was damaged.
        let mut refusals = 0;
        loop {
            let authorization = match &first {
                Some(_) => None,
                None => auth.header(&ask.scope, means).await?,
            };
            let response = self.follow(&clients, &mut ask, authorization.as_ref(), first.take()).await?;
            let refused = response.status() == StatusCode::UNAUTHORIZED && self.is_home(response.url());
            refusals += if authorization.is_none() { 1 } else { 2 };
            if !refused || refusals > 3 {
                return Ok(response);
            }
            if !auth.challenged(&response, &ask.scope, authorization.as_ref()).await || !ask.payload.is_sendable() {
                return Ok(response);
            }
        }
    }

    /// Asks, unless there is a `first` answer, and goes where the answer points to. Credentials go to the registry's own
    /// origin only.
    async fn follow(
        &self,
        clients: &Clients,
        ask: &mut Ask,
        authorization: Option<&HeaderValue>,
        mut first: Option<Response>,
    ) -> Result<Response, RegistryError> {
        let mut url = ask.url.clone();
        for _ in 0..=limits::REDIRECTS {
            let response = match first.take() {
                Some(response) => response,
                None => self.once(clients, ask, &url, authorization).await?,
            };
            match redirect::step(&url, &ask.method, response.status(), response.headers()) {
                Step::Stay => return Ok(response),
                Step::Go(to) => url = to,
                Step::Refuse(to, reason) => return Err(redirect::refused(&ask.place, to.as_ref(), reason)),
            }
        }
        Err(redirect::refused(&ask.place, Some(&url), "there were too many redirects before"))
    }

    /// Asks at one address.
    async fn once(
        &self,
        clients: &Clients,
        ask: &mut Ask,
        url: &Url,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, RegistryError> {
        let pulse = Pulse::new();
        let mut request = Request::new(ask.method.clone(), url.clone());
        *request.headers_mut() = ask.headers.clone();
        // What is stored is what is hashed: nothing may be packed on its way.
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let home = self.is_home(url);
        if let Some(authorization) = authorization.filter(|_| home) {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        if !ask.payload.is_sendable() {
            return Err(redirect::refused(&ask.place, Some(url), "the upload cannot be sent a second time"));
        }
        *request.body_mut() = ask.payload.take(&pulse);
        let client = clients.choose(home);
        let place = if home { Arc::clone(&ask.place) } else { ask.place.at(url) };
        let answer = wait::answer(client.execute(request), &pulse, &self.patience, &place).await;
        clients.judged(url, home, answer)
    }

    /// The address in the `Location` header of an answer, made absolute; it must not leave TLS.
    pub(crate) fn location(&self, response: &Response, place: &Arc<Place>) -> Result<Url, RegistryError> {
        let found = redirect::location(response.url(), response.headers());
        let url = found
            .map_err(|reason| RegistryError::protocol(place, format!("the upload's location: {reason}")))?
            .ok_or_else(|| RegistryError::protocol(place, "the registry gave no location to upload to"))?;
        if self.endpoint().is_tls() && url.scheme() != "https" {
            let reason = "the upload would leave TLS for plain HTTP";
            return Err(redirect::refused(place, Some(&url), reason));
        }
        Ok(url)
    }

    /// Passes an answer of one of the `good` statuses on, and turns every other into an error.
    pub(crate) async fn expect(
        &self,
        response: Response,
        good: &[u16],
        place: &Arc<Place>,
    ) -> Result<Response, RegistryError> {
        if good.contains(&response.status().as_u16()) {
            return Ok(response);
        }
        let elsewhere = (!self.is_home(response.url())).then(|| endpoint::shown(response.url()));
        let mut error = problem::refusal(response, &self.patience, place).await;
        if let RegistryError::Status { host, .. } = &mut error {
            *host = elsewhere;
        }
        Err(error)
    }

    /// Asks until one of the `good` statuses comes, with as many tries as the options say.
    pub(crate) async fn ask(&self, mut ask: Ask, good: &[u16]) -> Result<Response, RegistryError> {
        let mut tries = self.tries();
        loop {
            let place = Arc::clone(&ask.place);
            let again = ask.again();
            let tried = async { self.expect(self.send(ask).await?, good, &place).await };
            match (tried.await, again) {
                (Ok(response), _) => return Ok(response),
                (Err(error), None) => return Err(error),
                (Err(error), Some(again)) => {
                    self.recover(&mut tries, error).await?;
                    ask = again;
                }
            }
        }
    }
}
