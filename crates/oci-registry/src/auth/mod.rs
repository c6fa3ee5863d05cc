//! Who we are to a registry: answers challenges with the credentials that were found, and keeps one token per scope.

mod challenge;
mod credential;
mod files;
mod helpers;
mod json;
mod means;
mod scope;
mod search;
mod token;
mod wallet;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use reqwest::Response;
use reqwest::header::{HeaderValue, WWW_AUTHENTICATE};
use tokio::sync::Mutex;

use crate::error::RegistryError;
use challenge::Challenge;
pub(crate) use credential::Credential;
pub(crate) use files::has_entry;
pub(crate) use means::Means;
pub(crate) use scope::Scope;
use token::Token;
pub(crate) use wallet::{Found, Wallet};

/// Answers for one session on one registry. Several threads may ask at once; a token is fetched once.
#[derive(Debug)]
pub(crate) struct Authorizer {
    credential: Option<Credential>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    challenge: Option<Challenge>,
    tokens: BTreeMap<Scope, Token>,
    /// When the token server last stood still for too long.
    stalled: Option<Instant>,
}

impl Authorizer {
    /// Somebody with these credentials, or without any.
    pub(crate) fn new(credential: Option<Credential>) -> Self {
        Self { credential, state: Mutex::default() }
    }

    /// The `Authorization` header for a request, as far as is known before the registry was asked: none until its first
    /// challenge. A token that is about to end is renewed.
    pub(crate) async fn header(&self, scope: &Scope, means: Means<'_>) -> Result<Option<HeaderValue>, RegistryError> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        if state.stalled.is_some_and(|stalled| stalled >= asked) {
            // Everyone who waited for the same token server has waited long enough.
            let (phase, after) = ("waiting for the token server", means.patience.idle);
            return Err(RegistryError::TimedOut { place: Arc::clone(means.place), phase, after });
        }
        match (&state.challenge, &self.credential) {
            (None, _) => Ok(None),
            (Some(Challenge::Basic), credential) => Ok(credential.as_ref().and_then(Credential::basic_header)),
            (Some(Challenge::Bearer(server)), credential) => {
                if let Some(token) = credential.as_ref().and_then(Credential::access) {
                    return Ok(token.bearer_header());
                }
                if let Some(token) = state.tokens.get(scope).filter(|token| token.is_fresh()) {
                    return Ok(token.header());
                }
                let fetched = token::fetch(server, scope, credential.as_ref(), means).await;
                if matches!(fetched, Err(RegistryError::TimedOut { .. })) {
                    state.stalled = Some(Instant::now());
                }
                let token = fetched?;
                let header = token.header();
                state.tokens.insert(scope.clone(), token);
                Ok(header)
            }
        }
    }

    /// Takes in the challenge of a refused request that carried `used`. `true` when it is worth asking again: with
    /// credentials not shown yet, or a newer token.
    pub(crate) async fn challenged(&self, response: &Response, scope: &Scope, used: Option<&HeaderValue>) -> bool {
        let headers = response.headers().get_all(WWW_AUTHENTICATE);
        let offered = Challenge::choose(headers.iter().filter_map(|v| v.to_str().ok()), self.credential.is_some());
        let Some(challenge) = offered else { return false };
        let mut state = self.state.lock().await;
        let again = match &challenge {
            Challenge::Basic => {
                self.credential.as_ref().and_then(Credential::basic_header).is_some_and(|h| Some(&h) != used)
            }
            Challenge::Bearer(_) => {
                if state.tokens.get(scope).and_then(Token::header).as_ref() == used {
                    state.tokens.remove(scope);
                }
                used.is_none() || self.credential.as_ref().and_then(Credential::access).is_none()
            }
        };
        state.challenge = Some(challenge);
        again
    }
}
