//! The token handshake (distribution project, "Token Authentication Specification" and its OAuth 2 form).

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode, Url};
use serde::Deserialize;

use super::challenge::Server;
use super::credential::{Credential, Secret};
use super::means::Means;
use super::scope::Scope;
use crate::error::RegistryError;
use crate::redirect::{self, Step};
use crate::wait::{self, Pulse};
use crate::{endpoint, limits, problem};

/// Who asks, as the OAuth 2 form wants to know.
const CLIENT: &str = "ostree-container";

/// An access token and the time until which it is used.
#[derive(Debug)]
pub(crate) struct Token {
    secret: Secret,
    until: Instant,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<f64>,
}

impl Token {
    /// Whether it can still be used for a request that starts now.
    pub(crate) fn is_fresh(&self) -> bool {
        Instant::now() < self.until
    }

    /// The `Authorization` header.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        self.secret.bearer_header()
    }
}

/// Asks the token server a registry named for a token of `scope`.
pub(crate) async fn fetch(
    server: &Server,
    scope: &Scope,
    credential: Option<&Credential>,
    means: Means<'_>,
) -> Result<Token, RegistryError> {
    let realm = realm(server, means)?;
    let request = request(&realm, server, scope, credential)
        .map_err(|reason| failure(&realm, means, reason.to_owned(), false))?;
    let asked = Instant::now();
    let response = answer(request, means).await?;
    let (status, realm) = (response.status(), response.url().clone());
    let place = &means.place.at(&realm);
    let failed = |reason: String| failure(&realm, means, reason, false);
    let garbled = |reason: &str| failure(&realm, means, reason.to_owned(), true);
    if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
        let mut busy = problem::refusal(response, means.patience, means.place).await;
        if let RegistryError::Status { host, .. } = &mut busy {
            *host = Some(endpoint::shown(&realm));
        }
        return Err(busy);
    }
    if !response.status().is_success() {
        return Err(failed(refusal(response, means).await));
    }
    if problem::is_page(&response) {
        return Err(garbled("its answer is a web page"));
    }
    let body = problem::read_small(response, limits::TOKEN_BYTES, means.patience, place).await?;
    // The parser's message could quote the token.
    let answer: Answer = serde_json::from_slice(&body).map_err(|_| garbled("its answer is not the expected JSON"))?;
    let text = answer.token.filter(|t| !t.is_empty()).or(answer.access_token).filter(|t| !t.is_empty());
    let secret = Secret::new(text.ok_or_else(|| garbled("its answer holds no token"))?);
    if secret.bearer_header().is_none() {
        return Err(garbled("its token has characters that no header can have"));
    }
    let life = answer.expires_in.and_then(|s| Duration::try_from_secs_f64(s.clamp(0.0, 1e9)).ok());
    let life = life.unwrap_or(limits::TOKEN_LIFE).max(limits::TOKEN_LIFE);
    Ok(Token { secret, until: asked + life.saturating_sub(limits::TOKEN_LEEWAY) })
}

/// Sends the question, and again to wherever it is redirected.
async fn answer(mut request: Request, means: Means<'_>) -> Result<Response, RegistryError> {
    for _ in 0..=limits::REDIRECTS {
        let (url, method) = (request.url().clone(), request.method().clone());
        let place = &means.place.at(&url);
        let again = request.try_clone();
        let client = means.clients.choose(means.endpoint.is_home(&url));
        let response = wait::answer(client.execute(request), &Pulse::new(), means.patience, place).await?;
        request = match redirect::step(&url, &method, response.status(), response.headers()) {
            Step::Stay => return Ok(response),
            Step::Refuse(to, reason) => return Err(redirect::refused(place, to.as_ref(), reason)),
            Step::Go(to) => again.and_then(|again| onward(again, &to)).ok_or_else(|| {
                redirect::refused(place, Some(&to), "it would take the identity token to another host")
            })?,
        };
    }
    let url = request.url();
    Err(redirect::refused(&means.place.at(url), Some(url), "there were too many redirects before"))
}

/// The same question to another address. No password goes to another host; `None` for an identity token, without which
/// there is no question.
fn onward(mut request: Request, to: &Url) -> Option<Request> {
    if request.url().origin() != to.origin() {
        if request.body().is_some() {
            return None;
        }
        request.headers_mut().remove(AUTHORIZATION);
    }
    *request.url_mut() = to.clone();
    Some(request)
}

/// The server's address, which must not be less safe than the registry's.
fn realm(server: &Server, means: Means<'_>) -> Result<Url, RegistryError> {
    let refuse = |reason: &str| RegistryError::Token {
        place: Arc::clone(means.place),
        server: problem::printable(server.realm.split('?').next().unwrap_or_default()),
        reason: reason.to_owned(),
        garbled: false,
    };
    let url = Url::parse(&server.realm).map_err(|_| refuse("its address is invalid"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("its address is neither http nor https"));
    }
    if redirect::is_downgrade(&means.endpoint.ping(), &url) {
        return Err(refuse("the registry is reached over TLS, its token server would not be"));
    }
    Ok(url)
}

/// The question: a GET with the password in its header, or a POST with the identity token in its form.
fn request(
    realm: &Url,
    server: &Server,
    scope: &Scope,
    credential: Option<&Credential>,
) -> Result<Request, &'static str> {
    let mut url = realm.clone();
    if let Some(identity) = credential.and_then(Credential::refresh) {
        let mut form = Url::parse("http://form/").map_err(|_| "no form")?;
        form.query_pairs_mut()
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", CLIENT)
            .append_pair("service", server.service.as_deref().unwrap_or_default())
            .append_pair("scope", &scope.0.join(" "))
            .append_pair("refresh_token", &identity.reveal());
        let mut request = Request::new(Method::POST, url);
        *request.body_mut() = Some(form.query().unwrap_or_default().to_owned().into());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        return Ok(request);
    }
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &server.service {
            query.append_pair("service", service);
        }
        for one in &scope.0 {
            query.append_pair("scope", one);
        }
        if let Some(user) = credential.and_then(Credential::user) {
            query.append_pair("account", &user.reveal());
        }
    }
    let mut request = Request::new(Method::GET, url);
    if let Some(credential) = credential {
        let header = credential.basic_header().ok_or("the credentials are not a user name and password")?;
        request.headers_mut().insert(AUTHORIZATION, header);
    }
    Ok(request)
}

async fn refusal(response: Response, means: Means<'_>) -> String {
    match problem::refusal(response, means.patience, means.place).await {
        RegistryError::Status { status, code, message, .. } => {
            format!("HTTP status {status} {code} {message}").trim_end().to_owned()
        }
        other => other.to_string(),
    }
}

fn failure(realm: &Url, means: Means<'_>, reason: String, garbled: bool) -> RegistryError {
    RegistryError::Token { place: Arc::clone(means.place), server: endpoint::shown(realm), reason, garbled }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_token_goes_into_the_body_alone() {
        let server = Server { realm: "https://a/t".into(), service: Some("s".into()) };
        let realm = Url::parse(&server.realm).unwrap();
        let scope = Scope::push("x").and_pull("y");
        let identity = Credential::identity("top&secret");
        let post = request(&realm, &server, &scope, Some(&identity)).unwrap();
        let form = String::from_utf8_lossy(post.body().unwrap().as_bytes().unwrap()).into_owned();
        assert!(
            form.contains("refresh_token=top%26secret") && form.contains("scope=repository%3Ax%3Apull%2Cpush+rep"),
            "{form}"
        );
        assert_eq!((post.method(), post.url().as_str()), (&Method::POST, "https://a/t"));
        let get = request(&realm, &server, &scope, Some(&Credential::login("u", "p"))).unwrap();
        let url = get.url().as_str();
        assert!(url.starts_with("https://a/t?service=s&scope=repository%3Ax%3Apull%2Cpush&scope=rep"), "{url}");
        assert!(get.headers().contains_key(AUTHORIZATION));
    }
}
