//! One request and its answer: authentication, redirects and patience, for everything this crate asks of a registry.

use std::sync::Arc;

use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode, Url};

use crate::auth::{Authorizer, Means, Scope};
use crate::body::Payload;
use crate::endpoint::{self, Endpoint};
use crate::error::{Place, RegistryError};
use crate::name::ImageName;
use crate::options::RegistryOptions;
use crate::redirect::{self, Step};
use crate::tls::Clients;
use crate::wait::{self, Patience, Pulse};
use crate::{limits, problem};

/// One repository of one registry, and who we are there.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) name: ImageName,
    pub(crate) endpoint: Endpoint,
    pub(crate) patience: Patience,
    clients: Clients,
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

    /// With a body.
    pub(crate) fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }
}

impl Session {
    /// Prepares a session. Only with `tls_verify = false` the registry is asked something: whether it speaks TLS.
    pub(crate) async fn open(name: ImageName, options: &RegistryOptions) -> Result<Self, RegistryError> {
        let clients = Clients::new(name.host(), options)?;
        let auth = Authorizer::new(name.host(), name.repository(), options)?;
        let patience = Patience::new(options.timeout);
        let endpoint = |tls| {
            Endpoint::new(name.host(), name.repository(), tls)
                .map_err(|reason| RegistryError::Name { name: name.to_string(), reason })
        };
        let mut session = Self { endpoint: endpoint(true)?, patience, clients, auth, name: name.clone() };
        if !options.tls_verify && session.ping().await.is_err() {
            session.endpoint = endpoint(false)?;
            session.ping().await?;
        }
        Ok(session)
    }

    /// Asks whether anything answers, whatever it says.
    async fn ping(&self) -> Result<(), RegistryError> {
        let place = Arc::new(Place {
            operation: "contacting",
            subject: String::new(),
            host: self.name.host().to_owned(),
            repository: String::new(),
        });
        let request = Request::new(Method::GET, self.endpoint.ping());
        wait::answer(
            self.clients.choose(&self.endpoint.ping(), true).execute(request),
            &Pulse::new(),
            &self.patience,
            &place,
        )
        .await
        .map(drop)
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
        let means = Means { clients: &self.clients, endpoint: &self.endpoint, patience: &self.patience, place: &place };
        let mut challenged = false;
        loop {
            let authorization = self.auth.header(&ask.scope, means).await?;
            let response = self.follow(&mut ask, authorization.as_ref()).await?;
            let refused = response.status() == StatusCode::UNAUTHORIZED && self.endpoint.is_home(response.url());
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
    async fn follow(&self, ask: &mut Ask, authorization: Option<&HeaderValue>) -> Result<Response, RegistryError> {
        let mut url = ask.url.clone();
        for _ in 0..=limits::REDIRECTS {
            let pulse = Pulse::new();
            let mut request = Request::new(ask.method.clone(), url.clone());
            *request.headers_mut() = ask.headers.clone();
            // What is stored is what is hashed: nothing may be packed on its way.
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let home = self.endpoint.is_home(&url);
            if let Some(authorization) = authorization.filter(|_| home) {
                request.headers_mut().insert(AUTHORIZATION, authorization.clone());
            }
            if !ask.payload.is_sendable() {
                return Err(refused(ask, Some(&url), "the upload cannot be sent a second time"));
            }
            *request.body_mut() = ask.payload.take(&pulse);
            let client = self.clients.choose(&url, home);
            let response = wait::answer(client.execute(request), &pulse, &self.patience, &ask.place).await?;
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
        if self.endpoint.is_tls() && url.scheme() != "https" {
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
        if !good.contains(&response.status().as_u16()) {
            return Err(problem::refusal(response, &self.patience, place).await);
        }
        Ok(response)
    }
}

fn refused(ask: &Ask, to: Option<&Url>, reason: &'static str) -> RegistryError {
    let target = to.map_or_else(|| "somewhere else".to_owned(), endpoint::shown);
    RegistryError::Redirect { place: Arc::clone(&ask.place), target, reason }
}
