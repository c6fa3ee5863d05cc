//! One request and its answer: authentication, redirects and patience, for everything this crate asks of a registry.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode, Url};
use tokio::sync::OnceCell;

use crate::auth::{Authorizer, Means, Scope};
use crate::body::Payload;
use crate::config::Place as Site;
use crate::endpoint::{self, Endpoint};
use crate::error::{Place, RegistryError};
use crate::name::ImageName;
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
    endpoint: OnceCell<Endpoint>,
    /// The clients and when they were made.
    clients: Mutex<(Clients, Instant)>,
    auth: Authorizer,
}

/// A question to the registry.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    pub(crate) scope: Scope,
    pub(crate) place: Arc<Place>,
}

impl Ask {
    /// A question without headers and body.
    pub(crate) fn new(method: Method, url: Url, scope: Scope, place: &Arc<Place>) -> Self {
        Self { method, url, headers: HeaderMap::new(), payload: Payload::Nothing, scope, place: Arc::clone(place) }
    }

    /// With a header; its value must be text that a header can have.
    pub(crate) fn header(mut self, name: reqwest::header::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same question once more; `None` when its body goes out only once.
    fn again(&self) -> Option<Self> {
        let payload = self.payload.again()?;
        let (method, url, headers) = (self.method.clone(), self.url.clone(), self.headers.clone());
        Some(Self { method, url, headers, payload, scope: self.scope.clone(), place: Arc::clone(&self.place) })
    }

    /// With a body.
    pub(crate) fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }
}

impl Session {
    /// Prepares a session: finds credentials and certificates. Nothing is asked yet.
    pub(crate) fn new(site: Site, settings: &Arc<Settings>) -> Result<Self, RegistryError> {
        let clients = Mutex::new((settings.clients(&site)?, Instant::now()));
        let auth = settings.authorizer(&site)?;
        let (name, patience) = (site.name.clone(), Patience::new(settings.options().timeout));
        Ok(Self { name, patience, settings: Arc::clone(settings), site, endpoint: OnceCell::new(), clients, auth })
    }

    /// Where the repository is; found out in one try. Only where plain HTTP is allowed the registry is asked for
    /// it: whether it speaks TLS.
    pub(crate) async fn endpoint_once(&self) -> Result<&Endpoint, RegistryError> {
        let endpoint = |tls| {
            Endpoint::new(self.name.host(), self.name.repository(), tls)
                .map_err(|reason| RegistryError::Name { name: self.name.to_string(), reason })
        };
        let find = || async {
            let over_tls = endpoint(true)?;
            if self.site.insecure && self.ping(&over_tls).await.is_err() {
                let plain = endpoint(false)?;
                self.ping(&plain).await?;
                return Ok(plain);
            }
            Ok(over_tls)
        };
        self.endpoint.get_or_try_init(find).await
    }

    /// The same with as many tries as the options say.
    pub(crate) async fn endpoint(&self) -> Result<&Endpoint, RegistryError> {
        let mut tries = self.tries();
        loop {
            match self.endpoint_once().await {
                Ok(found) => return Ok(found),
                Err(error) => self.recover(&mut tries, error).await?,
            }
        }
    }

    /// Asks whether anything answers, whatever it says.
    async fn ping(&self, endpoint: &Endpoint) -> Result<(), RegistryError> {
        let place = Arc::new(Place {
            operation: "contacting",
            subject: String::new(),
            host: self.name.host().to_owned(),
            repository: String::new(),
        });
        let request = Request::new(Method::GET, endpoint.ping());
        let client = self.clients().choose(true).clone();
        wait::answer(client.execute(request), &Pulse::new(), &self.patience, &place).await.map(drop)
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
        if clients.1.elapsed() >= self.patience.idle
            && let Ok(new) = self.settings.clients(&self.site)
        {
            *clients = (new, Instant::now());
        }
    }

    fn clients(&self) -> Clients {
        self.clients.lock().unwrap_or_else(|e| e.into_inner()).0.clone()
    }

    /// Whether `url` is on the registry itself.
    fn is_home(&self, url: &Url) -> bool {
        self.endpoint.get().is_some_and(|endpoint| endpoint.is_home(url))
    }

    /// The words that messages about an operation on this repository start with.
    pub(crate) fn place(&self, operation: &'static str, subject: impl Into<String>) -> Arc<Place> {
        Arc::new(Place {
            operation,
            subject: subject.into(),
            host: self.name.host().to_owned(),
            repository: self.name.repository().to_owned(),
        })
    }

    /// Asks, and answers one challenge. The answer may have any status but a redirect; a refused authentication comes
    /// back as it is.
    pub(crate) async fn send(&self, mut ask: Ask) -> Result<Response, RegistryError> {
        let place = Arc::clone(&ask.place);
        let (clients, endpoint) = (self.clients(), self.endpoint_once().await?);
        let means = Means { clients: &clients, endpoint, patience: &self.patience, place: &place };
        let mut challenged = false;
        loop {
            let authorization = self.auth.header(&ask.scope, means).await?;
            let response = self.follow(&clients, &mut ask, authorization.as_ref()).await?;
            let refused = response.status() == StatusCode::UNAUTHORIZED && self.is_home(response.url());
            if !refused || challenged {
                return Ok(response);
            }
            challenged = true;
            if !self.auth.challenged(&response, &ask.scope, authorization.as_ref()).await || !ask.payload.is_sendable()
            {
                return Ok(response);
            }
        }
    }

    /// Asks, and goes where the answer points to. Credentials go to the registry's own origin only.
    async fn follow(
        &self,
        clients: &Clients,
        ask: &mut Ask,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, RegistryError> {
        let mut url = ask.url.clone();
        for _ in 0..=limits::REDIRECTS {
            let pulse = Pulse::new();
            let mut request = Request::new(ask.method.clone(), url.clone());
            *request.headers_mut() = ask.headers.clone();
            // What is stored is what is hashed: nothing may be packed on its way.
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let home = self.is_home(&url);
            if let Some(authorization) = authorization.filter(|_| home) {
                request.headers_mut().insert(AUTHORIZATION, authorization.clone());
            }
            if !ask.payload.is_sendable() {
                return Err(refused(ask, Some(&url), "the upload cannot be sent a second time"));
            }
            *request.body_mut() = ask.payload.take(&pulse);
            let client = clients.choose(home);
            let answer = wait::answer(client.execute(request), &pulse, &self.patience, &ask.place).await;
            let response = if home { clients.judged(answer)? } else { answer? };
            match redirect::step(&url, &ask.method, response.status(), response.headers()) {
                Step::Stay => return Ok(response),
                Step::Go(to) => url = to,
                Step::Refuse(to, reason) => return Err(refused(ask, to.as_ref(), reason)),
            }
        }
        Err(refused(ask, Some(&url), "there were too many redirects before"))
    }

    /// The address in the `Location` header of an answer, made absolute; it must not leave TLS.
    pub(crate) fn location(&self, response: &Response, place: &Arc<Place>) -> Result<Url, RegistryError> {
        let found = redirect::location(response.url(), response.headers());
        let url = found
            .map_err(|reason| RegistryError::protocol(place, format!("the upload's location: {reason}")))?
            .ok_or_else(|| RegistryError::protocol(place, "the registry gave no location to upload to"))?;
        if self.endpoint.get().is_none_or(Endpoint::is_tls) && url.scheme() != "https" {
            let reason = "the upload would leave TLS for plain HTTP";
            return Err(RegistryError::Redirect { place: Arc::clone(place), target: endpoint::shown(&url), reason });
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

fn refused(ask: &Ask, to: Option<&Url>, reason: &'static str) -> RegistryError {
    let target = to.map_or_else(|| "somewhere else".to_owned(), endpoint::shown);
    RegistryError::Redirect { place: Arc::clone(&ask.place), target, reason }
}
