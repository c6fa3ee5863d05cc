//! Turns the answer of a registry that is not what was hoped for into an error, in the registry's own words.

use std::sync::Arc;
use std::time::Duration;

use oci_image::Digest;
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use serde::Deserialize;

use crate::error::{Place, RegistryError};
use crate::limits;
use crate::wait::{AnswerBody, Patience};

/// The error envelope of the distribution specification ("Error Codes"). The codes are kept as text: registries have
/// many of their own.
#[derive(Debug, Default, Deserialize)]
struct Envelope {
    #[serde(default)]
    errors: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    #[serde(default)]
    code: serde_json::Value,
    #[serde(default)]
    message: serde_json::Value,
}

/// Reads the body of an answer that must not be larger than `limit` bytes.
pub(crate) async fn read_small(
    response: Response,
    limit: u64,
    patience: &Patience,
    place: &Arc<Place>,
) -> Result<Vec<u8>, RegistryError> {
    let too_large = || RegistryError::TooLarge { place: Arc::clone(place), limit };
    if response.content_length().is_some_and(|n| n > limit) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    let mut arriving = AnswerBody::of(response, patience.for_small(), place);
    while let Some(piece) = arriving.next().await? {
        if (body.len() + piece.len()) as u64 > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// The same for a document: what is a page or packed is none.
pub(crate) async fn read_document(
    response: Response,
    limit: u64,
    patience: &Patience,
    place: &Arc<Place>,
) -> Result<Vec<u8>, RegistryError> {
    refuse_page(&response, place)?;
    refuse_packed(&response, false, place)?;
    read_small(response, limit, patience, place).await
}

/// The error for an answer whose status is not one of those hoped for.
pub(crate) async fn refusal(response: Response, patience: &Patience, place: &Arc<Place>) -> RegistryError {
    let status = response.status().as_u16();
    let page = is_page(&response);
    let retry_after = pause(response.headers());
    let body = read_some(response, patience, place).await;
    let (code, message) = if page { (String::new(), "(a web page)".to_owned()) } else { words(&body) };
    RegistryError::Status { place: Arc::clone(place), status, code, message, host: None, retry_after }
}

/// The wait a `Retry-After` header asks for: seconds, or a date (RFC 9110, section 10.2.3). A date is by the server's
/// clock, which its answer tells; this machine's may never have been set.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits is as long as can be.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let now = headers.get(DATE).and_then(|value| date(value.to_str().ok()?)).unwrap_or_else(jiff::Timestamp::now);
    let left = date(text)?.as_second().saturating_sub(now.as_second());
    Some(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
}

/// A date in one of the three forms that must be understood (RFC 9110, section 5.6.7).
fn date(text: &str) -> Option<jiff::Timestamp> {
    let text = text.trim();
    let old = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"].into_iter();
    let usual = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let old = old.filter_map(|form| jiff::civil::DateTime::strptime(form, text).ok());
    usual.or_else(|| {
        old.filter_map(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok()).map(|date| date.timestamp()).next()
    })
}

/// The beginning of a body, whatever happens to the rest of it. Words are not waited for longer than anything may stand still.
async fn read_some(response: Response, patience: &Patience, place: &Arc<Place>) -> Vec<u8> {
    let mut body = Vec::new();
    let mut arriving = AnswerBody::of(response, *patience, place);
    let read = async {
        while let Ok(Some(piece)) = arriving.next().await {
            body.extend_from_slice(&piece);
            if body.len() as u64 > limits::ERROR_BYTES {
                break;
            }
        }
    };
    // What has come by then is all there is to say.
    let _ = tokio::time::timeout(patience.idle, read).await;
    body
}

/// The code and the message of an error body: of its envelope where it is one, else its text.
pub(crate) fn words(body: &[u8]) -> (String, String) {
    if let Ok(Envelope { errors }) = serde_json::from_slice::<Envelope>(body)
        && let Some(first) = errors.first()
    {
        let text = |value: &serde_json::Value| value.as_str().map(printable).unwrap_or_default();
        let more = if errors.len() > 1 { format!(" (and {} more errors)", errors.len() - 1) } else { String::new() };
        return (text(&first.code), text(&first.message) + &more);
    }
    (String::new(), printable(String::from_utf8_lossy(body).trim()))
}

/// A foreign text made harmless for a terminal: one line, no control characters, not too long.
pub(crate) fn printable(text: &str) -> String {
    text.chars().take(limits::SHOWN_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Refuses an answer that is a web page, as proxies and login portals send them with status 200.
pub(crate) fn refuse_page(response: &Response, place: &Arc<Place>) -> Result<(), RegistryError> {
    if is_page(response) {
        let content_type = printable(&content_type(response).unwrap_or_default());
        return Err(RegistryError::NotRegistry { place: Arc::clone(place), content_type });
    }
    Ok(())
}

/// Refuses a packed body. Storages that keep a packed layer may also call that an encoding; its length tells, and so
/// `is_whole` says whether that is the stored one.
pub(crate) fn refuse_packed(response: &Response, is_whole: bool, place: &Arc<Place>) -> Result<(), RegistryError> {
    let encodings = response.headers().get_all(CONTENT_ENCODING).iter();
    match encodings.into_iter().find(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        Some(encoding) if !is_whole => {
            let encoding = printable(&String::from_utf8_lossy(encoding.as_bytes()));
            Err(RegistryError::Encoded { place: Arc::clone(place), encoding })
        }
        _ => Ok(()),
    }
}

/// Whether a plain question was answered by a server that wants TLS: it says so in words of its own, not in a registry's.
pub(crate) fn is_told_to_speak_tls(response: &Response) -> bool {
    response.status().as_u16() == 400 && content_type(response).is_none_or(|kind| !kind.contains("json"))
}

/// The content type of an answer without its parameters, in lower case.
pub(crate) fn content_type(response: &Response) -> Option<String> {
    let value = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let name = value.split(';').next()?.trim();
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

/// The digest an answer says its content has, or what was stored, where it is in an algorithm of ours (distribution
/// specification, `Docker-Content-Digest`).
pub(crate) fn told_digest(response: &Response) -> Option<Digest> {
    response.headers().get("docker-content-digest")?.to_str().ok()?.trim().parse().ok()
}

/// Whether an answer is a web page.
pub(crate) fn is_page(response: &Response) -> bool {
    content_type(response).is_some_and(|t| t == "text/html" || t == "application/xhtml+xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_in_seconds_and_until_a_date_by_the_clock_of_the_server() {
        let told = |wait: &str, date: Option<&str>| {
            let mut headers = HeaderMap::from_iter([(RETRY_AFTER, wait.parse().unwrap())]);
            headers.extend(date.map(|date| (DATE, date.parse().unwrap())));
            pause(&headers)
        };
        assert_eq!(told(" 7 ", None), Some(Duration::from_secs(7)));
        assert_eq!(told("Wed, 21 Oct 2015 07:28:00 GMT", None), Some(Duration::ZERO));
        assert_eq!(told("99999999999999999999999", None), Some(Duration::from_secs(u64::MAX)));
        let now = Some("Sun, 06 Nov 1994 08:49:30 GMT");
        for date in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(told(date, now), Some(Duration::from_secs(7)), "{date}");
        }
        let far = "Fri, 31 Dec 2100 23:59:59 GMT";
        assert!(told(far, None).is_some_and(|wait| wait > Duration::from_secs(1_000_000)));
        assert_eq!(told(far, Some("Fri, 31 Dec 2100 23:59:50 GMT")), Some(Duration::from_secs(9)));
        assert_eq!(
            told("Wed, 21 Oct 2015 07:28:00 GMT", Some("Wed, 21 Oct 2015 07:27:00 GMT")),
            Some(Duration::from_secs(60))
        );
        assert!(told(far, Some("now")).is_some_and(|wait| wait > Duration::from_secs(1_000_000)));
        assert_eq!((told("soon", None), pause(&HeaderMap::new())), (None, None));
    }

    #[test]
    fn envelopes_unknown_codes_and_plain_text() {
        let (code, message) = words(br#"{"errors":[{"code":"TOO_COOL","message":"no\u001b[31m"},{"code":"X"}]}"#);
        assert_eq!((code.as_str(), message.as_str()), ("TOO_COOL", "no [31m (and 1 more errors)"));
        assert_eq!(words(b"502 bad\ngateway\n"), (String::new(), "502 bad gateway".to_owned()));
        assert_eq!(words(b"{}"), (String::new(), "{}".to_owned()));
    }
}
