//! One answer with a part of a blob: asked for with a closed range, and judged by what comes.

use std::ops::Range;
use std::sync::Arc;

use oci_image::Descriptor;
use reqwest::header::{CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};
use reqwest::{Method, Response};

use crate::ask::Ask;
use crate::auth::Scope;
use crate::error::{Place, RegistryError};
use crate::exchange::Session;
use crate::problem;

/// An answer whose body has the bytes that were asked for.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) response: Response,
    /// How many bytes come before the first that was asked for.
    pub(crate) skip: u64,
}

/// What a question for a part of a blob led to.
#[derive(Debug)]
pub(crate) enum Opened {
    /// The part.
    Part(Segment),
    /// An answer from which the place of its bytes cannot be known: ask for the whole blob.
    NoRange,
}

/// What servers answer that give no parts: the request is bad, not acceptable, larger than the blob, or not implemented.
const NO_RANGES: [u16; 5] = [400, 406, 412, 416, 501];

/// Asks once for the bytes `span` of a blob; without `ranged`, for the whole blob, whose beginning is then skipped.
pub(crate) async fn open(
    session: &Session,
    descriptor: &Descriptor,
    place: &Arc<Place>,
    span: Range<u64>,
    ranged: bool,
) -> Result<Opened, RegistryError> {
    let scope = Scope::pull(session.name.repository());
    let url = session.endpoint().blob(&descriptor.digest);
    let mut ask = Ask::new(Method::GET, url, scope, place);
    let ranged = ranged && span != (0..descriptor.size);
    if ranged {
        let range = format!("bytes={}-{}", span.start, span.end.saturating_sub(1));
        let range = HeaderValue::from_str(&range).map_err(|_| RegistryError::protocol(place, "no range header"))?;
        ask = ask.header(RANGE, range);
    }
    let response = session.send(ask).await?;
    if ranged && NO_RANGES.contains(&response.status().as_u16()) {
        return Ok(Opened::NoRange);
    }
    let response = session.expect(response, &[200, 206], place).await?;
    problem::refuse_page(&response, place)?;
    let partial = response.status().as_u16() == 206;
    let told = told_range(response.headers());
    // Of a part, the length is compared below.
    let as_stored = match (partial, response.content_length()) {
        (true, length) => length.is_some(),
        (false, length) => length == Some(descriptor.size),
    };
    match problem::refuse_packed(&response, as_stored, place) {
        Err(_) if ranged && partial => return Ok(Opened::NoRange),
        judged => judged?,
    }
    if !partial {
        return match response.content_length() {
            Some(actual) if actual != descriptor.size => {
                Err(RegistryError::SizeMismatch { place: Arc::clone(place), expected: descriptor.size, actual })
            }
            _ => Ok(Opened::Part(Segment { response, skip: span.start })),
        };
    }
    match told.filter(|told| told.fits(&span, descriptor.size, response.content_length())) {
        Some(told) => Ok(Opened::Part(Segment { response, skip: span.start - told.first })),
        None if ranged => Ok(Opened::NoRange),
        None => Err(RegistryError::protocol(place, "a part came where the whole blob was asked for")),
    }
}

/// A `Content-Range` header (RFC 9110, section 14.4): both ends counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    first: u64,
    last: u64,
    total: Option<u64>,
}

impl Told {
    /// Whether these are bytes of a blob of `size` bytes that begin at `span` or before it, in a body of `length` bytes.
    fn fits(&self, span: &Range<u64>, size: u64, length: Option<u64>) -> bool {
        self.first <= span.start
            && self.last >= span.start
            && self.last < size
            && self.total.is_none_or(|total| total == size)
            && length.is_none_or(|length| length == self.last - self.first + 1)
    }
}

fn told_range(headers: &HeaderMap) -> Option<Told> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?.trim();
    let (range, total) = text.strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let total = match total.trim() {
        "*" => None,
        number => Some(number.parse().ok()?),
    };
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some(Told { first, last, total })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<Told> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_RANGE, text.parse().unwrap());
        told_range(&headers)
    }

    #[test]
    fn ranges_that_say_where_their_bytes_are() {
        let span = 10..20;
        let fits = |text: &str, length| told(text).is_some_and(|told| told.fits(&span, 100, length));
        assert!(fits("bytes 10-19/100", Some(10)) && fits("bytes 10-19/*", None) && fits("bytes 5-11/100", Some(7)));
        for text in ["bytes 11-19/100", "bytes 10-19/101", "bytes 0-9/100", "bytes 10-100/100", "bytes */100", "x"] {
            assert!(!fits(text, None), "{text}");
        }
        assert!(!fits("bytes 10-19/100", Some(9)));
    }
}
