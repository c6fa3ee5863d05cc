//! Which redirects are followed, and to where.

use std::sync::Arc;

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Method, StatusCode, Url};

use crate::endpoint;
use crate::error::{Place, RegistryError};

/// What to do with an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is no redirect.
    Stay,
    /// Ask there, with the same method and body.
    Go(Url),
    /// It is a redirect that must not be followed: where it points to, and why not.
    Refuse(Option<Url>, &'static str),
}

/// Judges an answer to `method` on `from`. The registry's credentials are none of this file's business: the caller sends
/// them to the registry's own scheme, host and port and nowhere else.
pub(crate) fn step(from: &Url, method: &Method, status: StatusCode, headers: &HeaderMap) -> Step {
    let keeps_method = matches!(status.as_u16(), 307 | 308);
    if !keeps_method && !matches!(status.as_u16(), 301..=303) {
        return Step::Stay;
    }
    if !keeps_method && !matches!(*method, Method::GET | Method::HEAD) {
        return Step::Refuse(None, "it would turn an upload into a download");
    }
    match location(from, headers) {
        Ok(Some(to)) if is_downgrade(from, &to) => Step::Refuse(Some(to), "it would leave TLS for plain HTTP"),
        Ok(Some(to)) => Step::Go(to),
        Ok(None) => Step::Refuse(None, "it does not say where to"),
        Err(reason) => Step::Refuse(None, reason),
    }
}

/// The `Location` header, made absolute against `from`, without user, password and fragment.
pub(crate) fn location(from: &Url, headers: &HeaderMap) -> Result<Option<Url>, &'static str> {
    let Some(value) = headers.get(LOCATION) else { return Ok(None) };
    let text = value.to_str().map_err(|_| "its address is not text")?;
    let mut to = from.join(text).map_err(|_| "its address is invalid")?;
    if !matches!(to.scheme(), "http" | "https") {
        return Err("its address is neither http nor https");
    }
    // Neither call can fail for an http address, which always has a host.
    let _ = to.set_username("");
    let _ = to.set_password(None);
    to.set_fragment(None);
    Ok(Some(to))
}

/// The error for a redirect to `to` that is not followed.
pub(crate) fn refused(place: &Arc<Place>, to: Option<&Url>, reason: &'static str) -> RegistryError {
    let target = to.map_or_else(|| "somewhere else".to_owned(), endpoint::shown);
    RegistryError::Redirect { place: Arc::clone(place), target, reason }
}

/// Whether going from one address to the other leaves TLS.
pub(crate) fn is_downgrade(from: &Url, to: &Url) -> bool {
    from.scheme() == "https" && to.scheme() != "https"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(method: Method, status: u16, to: &str) -> Step {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, to.parse().unwrap());
        step(&Url::parse("https://h/v2/a/blobs/x").unwrap(), &method, StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn only_redirects_that_keep_the_method_and_tls() {
        assert_eq!(judge(Method::GET, 200, "https://cdn/"), Step::Stay);
        assert_eq!(judge(Method::GET, 302, "https://u:p@cdn/x?s=1#f"), Step::Go("https://cdn/x?s=1".parse().unwrap()));
        assert_eq!(judge(Method::PUT, 307, "/y"), Step::Go("https://h/y".parse().unwrap()));
        assert!(matches!(judge(Method::PUT, 302, "/y"), Step::Refuse(..)));
        assert!(matches!(judge(Method::GET, 302, "http://h/y"), Step::Refuse(..)));
        assert!(matches!(judge(Method::GET, 302, "file:///etc/passwd"), Step::Refuse(..)));
    }
}
