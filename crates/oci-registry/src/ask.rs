//! One question to a registry, before it is sent.

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use crate::auth::Scope;
use crate::body::Payload;
use crate::error::Place;

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
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same question once more; `None` when its body goes out only once.
    pub(crate) fn again(&self) -> Option<Self> {
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
