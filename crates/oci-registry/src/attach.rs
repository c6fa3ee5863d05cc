//! What stands beside an image on its registry, and small files elsewhere: where signatures are.

use std::sync::Arc;

use oci_image::{Digest, InvalidName, RawManifest};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode, Url};

use crate::ask::Ask;
use crate::auth::Scope;
use crate::error::{Place, RegistryError};
use crate::exchange::Session;
use crate::limits;
use crate::options::RegistryOptions;
use crate::problem;
use crate::pull::manifest_there;
use crate::redirect::{self, Step};
use crate::retry::Tries;
use crate::route::Route;
use crate::tls::Clients;
use crate::wait::{self, Patience, Pulse};

/// A registry that keeps simple signatures itself says so in this header.
const KEEPS_SIGNATURES: &str = "x-registry-supports-signatures";

/// The manifest of a tag in the image's repository.
pub(crate) async fn tagged(route: &Route, tag: &str) -> Result<Option<RawManifest>, RegistryError> {
    let mut turns = route.turns();
    while let Some(session) = turns.session() {
        match manifest_there(session, tag, None).await {
            Ok(found) => return Ok(Some(found)),
            Err(error) => match turns.next(error).await {
                Err(error) if is_absent(&error) => return Ok(None),
                next => next?,
            },
        }
    }
    Ok(None)
}

/// The registry's list of what refers to a manifest.
pub(crate) async fn referrers(route: &Route, digest: &Digest) -> Result<Option<Vec<u8>>, RegistryError> {
    let mut turns = route.turns();
    while let Some(session) = turns.session() {
        match referrers_there(session, digest).await {
            Ok(found) => return Ok(Some(found)),
            Err(error) => match turns.next(error).await {
                Err(error) if is_absent(&error) => return Ok(None),
                next => next?,
            },
        }
    }
    Ok(None)
}

async fn referrers_there(session: &Session, digest: &Digest) -> Result<Vec<u8>, RegistryError> {
    let place = session.place("fetching", format!("referrers of {digest}"));
    let accept = HeaderValue::from_static(oci_image::media_type::OCI_INDEX);
    let url = session.endpoint().referrers(digest);
    let ask = Ask::new(Method::GET, url, Scope::pull(session.name.repository()), &place).header(ACCEPT, accept);
    let response = session.send(ask).await?;
    if response.status() == StatusCode::NOT_IMPLEMENTED {
        return Err(RegistryError::Unknown { place, status: response.status().as_u16() });
    }
    let response = session.expect(response, &[200], &place).await?;
    problem::read_document(response, limits::MANIFEST_BYTES, &session.patience, &place).await
}

/// The signatures of a registry that keeps them itself.
pub(crate) async fn kept_signatures(route: &Route, digest: &Digest) -> Result<Option<Vec<u8>>, RegistryError> {
    let mut turns = route.turns();
    while let Some(session) = turns.session() {
        match kept_signatures_there(session, digest).await {
            Ok(found) => return Ok(found),
            Err(error) => turns.next(error).await?,
        }
    }
    Ok(None)
}

async fn kept_signatures_there(session: &Session, digest: &Digest) -> Result<Option<Vec<u8>>, RegistryError> {
    let place = session.place("fetching", format!("signatures of {digest}"));
    let ask = |url| Ask::new(Method::GET, url, Scope::pull(session.name.repository()), &place);
    let ping = session.send(ask(session.endpoint().ping())).await?;
    if ping.headers().get(KEEPS_SIGNATURES).is_none_or(|value| value != "1") {
        // Any answer of the registry will do, a refusal and a page too. What stands in for it while it is away has not said
        // that it keeps none.
        return match ping.status().as_u16() {
            408 | 429 | 500 | 502..=599 => Err(problem::refusal(ping, &session.patience, &place).await),
            _ => Ok(None),
        };
    }
    let response = session.send(ask(session.endpoint().kept_signatures(digest))).await?;
    let response = session.expect(response, &[200], &place).await?;
    problem::read_document(response, limits::MANIFEST_BYTES, &session.patience, &place).await.map(Some)
}

/// Whether a registry says that something is not there, or that it does not know what it is asked for.
fn is_absent(error: &RegistryError) -> bool {
    matches!(error, RegistryError::Status { status: 404 | 405 | 410, .. } | RegistryError::Unknown { .. })
}

/// What is at an address with `http` or `https`, at most `limit` bytes, asked for without credentials; `None` where there is
/// nothing.
pub(crate) async fn address(
    text: &str,
    options: &RegistryOptions,
    limit: u64,
) -> Result<Option<Vec<u8>>, RegistryError> {
    let invalid = |reason: String| InvalidName::new(&problem::printable(text), reason);
    let url = Url::parse(text).map_err(|error| invalid(error.to_string()))?;
    let host = url.host_str().ok_or_else(|| invalid("it names no host".to_owned()))?;
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let place = Place { operation: "fetching", subject: url.path().to_owned(), host, ..Place::default() };
    let place = Arc::new(place);
    let made = || Clients::new(&place.host, !options.tls_verify, options);
    let (mut clients, patience) = (made()?, Patience::new(options.timeout));
    let mut tries = Tries::new(&options.transfer);
    loop {
        match address_there(&clients, url.clone(), limit, &patience, &place).await {
            Ok(found) => return Ok(found),
            Err(error) => {
                if matches!(error, RegistryError::TimedOut { .. }) {
                    // A connection that stood still is not used again.
                    clients = made()?;
                }
                tries.again(error).await?;
            }
        }
    }
}

/// Asks once for what is at an address.
async fn address_there(
    clients: &Clients,
    mut url: Url,
    limit: u64,
    patience: &Patience,
    place: &Arc<Place>,
) -> Result<Option<Vec<u8>>, RegistryError> {
    for _ in 0..=limits::REDIRECTS {
        let mut request = Request::new(Method::GET, url.clone());
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let asked = clients.choose(false).execute(request);
        let answer: Result<Response, _> = wait::answer(asked, &Pulse::new(), patience, place).await;
        let response = clients.judged(&url, false, answer)?;
        match redirect::step(&url, &Method::GET, response.status(), response.headers()) {
            Step::Go(to) => url = to,
            Step::Refuse(to, reason) => return Err(redirect::refused(place, to.as_ref(), reason)),
            Step::Stay => match response.status().as_u16() {
                200 => return problem::read_document(response, limit, patience, place).await.map(Some),
                404 | 410 => return Ok(None),
                _ => return Err(problem::refusal(response, patience, place).await),
            },
        }
    }
    Err(redirect::refused(place, Some(&url), "there were too many redirects before"))
}
