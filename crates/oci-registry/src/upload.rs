//! The upload of one blob as the registry sees it: begin or mount, pieces, end, cancel.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use oci_image::{Descriptor, Digest};
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, RANGE};
use reqwest::{Method, Response, Url};

use crate::ask::Ask;
use crate::auth::Scope;
use crate::body::Payload;
use crate::endpoint::Endpoint;
use crate::error::{Place, RegistryError};
use crate::exchange::Session;
use crate::retry::{self, Verdict};
use crate::{limits, problem};

/// The header with the smallest piece a registry takes.
const MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// An open upload.
#[derive(Debug)]
pub(crate) struct Upload {
    session: Arc<Session>,
    location: Url,
    scope: Scope,
    /// How many bytes the registry has.
    sent: u64,
    /// The size of a piece, in bytes.
    pub(crate) piece: usize,
}

/// What asking for a mount led to.
#[derive(Debug)]
pub(crate) enum Mount {
    /// The blob is there now.
    Done,
    /// It is not, but an ordinary upload was opened.
    Opened(Upload),
}

impl Upload {
    /// Opens an upload.
    pub(crate) async fn begin(session: &Arc<Session>, place: &Arc<Place>) -> Result<Self, RegistryError> {
        let scope = Scope::push(session.name.repository());
        let ask = Ask::new(Method::POST, session.endpoint().uploads(), scope.clone(), place);
        let response = session.ask(ask, &[202]).await?;
        Self::opened(session, &response, scope, place)
    }

    /// Asks the registry to take a blob over from its repository `from`. It is not waited long for: the blob can be sent.
    pub(crate) async fn mount(
        session: &Arc<Session>,
        digest: &Digest,
        from: &str,
        place: &Arc<Place>,
    ) -> Result<Mount, RegistryError> {
        let scope = Scope::push(session.name.repository()).and_pull(from);
        let mut tries = session.tries();
        let mut left = limits::MOUNT_TRIES;
        let response = loop {
            left -= 1;
            let ask = Ask::new(Method::POST, session.endpoint().mount(digest, from), scope.clone(), place);
            let answer = async { session.expect(session.send(ask).await?, &[201, 202], place).await };
            match answer.await {
                Err(error) if left > 0 => session.recover(&mut tries, error).await?,
                answer => break answer?,
            }
        };
        if response.status().as_u16() == 201 {
            return Ok(Mount::Done);
        }
        Self::opened(session, &response, scope, place).map(Mount::Opened)
    }

    fn opened(
        session: &Arc<Session>,
        response: &Response,
        scope: Scope,
        place: &Arc<Place>,
    ) -> Result<Self, RegistryError> {
        let location = session.location(response, place)?;
        let wanted = response.headers().get(MIN_LENGTH).and_then(|v| v.to_str().ok()?.trim().parse().ok());
        let piece = limits::CHUNK_BYTES.max(wanted.unwrap_or(0));
        if piece > limits::CHUNK_MAX_BYTES {
            let reason = format!("the registry wants pieces of at least {piece} bytes, more than is held in memory");
            return Err(RegistryError::protocol(place, reason));
        }
        Ok(Self { session: Arc::clone(session), location, scope, sent: 0, piece })
    }

    /// Sends the next piece. After a break the registry is asked how much of it came.
    pub(crate) async fn patch(&mut self, bytes: Bytes, place: &Arc<Place>) -> Result<(), RegistryError> {
        let start = self.sent;
        let end = start + bytes.len() as u64;
        let mut tries = self.session.tries();
        while self.sent < end {
            let rest = bytes.slice(usize::try_from(self.sent - start).unwrap_or(bytes.len())..);
            let Err(error) = self.patch_once(rest, place).await else { return Ok(()) };
            self.session.recover(&mut tries, error).await?;
            let before = self.sent;
            self.sent = loop {
                match self.received(place).await {
                    // All of it is still at hand.
                    Err(RegistryError::UploadLost { .. }) if start == 0 => {
                        *self = Self::begin(&self.session, place).await?;
                        break 0;
                    }
                    Ok(received) if (start..=end).contains(&received) => break received,
                    Ok(received) => {
                        let reason = format!("of {end} bytes sent the registry says it has {received}");
                        return Err(RegistryError::protocol(place, reason));
                    }
                    Err(error) => self.session.recover(&mut tries, error).await?,
                }
            };
            if self.sent > before {
                tries.progress();
            }
        }
        Ok(())
    }

    /// How many bytes the registry had when that was last known.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Remembers how many bytes the registry has.
    pub(crate) fn set_sent(&mut self, sent: u64) {
        self.sent = sent;
    }

    /// Asks how many bytes the registry has.
    pub(crate) async fn received(&mut self, place: &Arc<Place>) -> Result<u64, RegistryError> {
        let ask = Ask::new(Method::GET, self.location.clone(), self.scope.clone(), place);
        let response = match self.session.expect(self.session.send(ask).await?, &[200, 202, 204], place).await {
            // What says how far it is may itself have ended with the connection.
            Err(RegistryError::Status { status: 400 | 404 | 410 | 416, .. }) => {
                return Err(RegistryError::UploadLost { place: Arc::clone(place) });
            }
            answer => answer?,
        };
        self.location = self.session.location(&response, place)?;
        // Registries write `0-0` for nothing, too: nothing sends its first byte alone.
        match last_received(&response) {
            None | Some(0) => Ok(0),
            Some(last) => Ok(last.saturating_add(1)),
        }
    }

    async fn patch_once(&mut self, bytes: Bytes, place: &Arc<Place>) -> Result<(), RegistryError> {
        let (location, sent) = self.send_part(self.sent, bytes.len() as u64, Payload::Whole(bytes), place).await?;
        (self.location, self.sent) = (location, sent);
        Ok(())
    }

    /// Sends `length` bytes that begin at `start` in one try. Where the upload goes on, and how many bytes the registry
    /// has then.
    async fn send_part(
        &self,
        start: u64,
        length: u64,
        payload: Payload,
        place: &Arc<Place>,
    ) -> Result<(Url, u64), RegistryError> {
        let end = start + length;
        let range = format!("{start}-{}", end.saturating_sub(1));
        let range = HeaderValue::from_str(&range).map_err(|_| RegistryError::protocol(place, "no range header"))?;
        let ask = self.ask(Method::PATCH, self.location.clone(), place).header(CONTENT_RANGE, range);
        let response = self.session.send(ask.payload(payload)).await?;
        let response = self.session.expect(response, &[201, 202, 204], place).await?;
        let location = self.session.location(&response, place)?;
        if last_received(&response).is_some_and(|last| last.checked_add(1) != Some(end)) {
            return Err(RegistryError::protocol(place, format!("the registry does not say it has {end} bytes")));
        }
        Ok((location, end))
    }

    /// Sends everything from `start` on as one stream, in one try, and ends the upload.
    pub(crate) async fn finish_stream(
        &self,
        start: u64,
        descriptor: &Descriptor,
        payload: Payload,
        place: &Arc<Place>,
    ) -> Result<(), RegistryError> {
        if start == 0 {
            return self.finish_once(descriptor, payload, place).await;
        }
        // A registry that lost the connection once is better told where the bytes belong.
        let (location, sent) = self.send_part(start, descriptor.size - start, payload, place).await?;
        let (session, scope, piece) = (Arc::clone(&self.session), self.scope.clone(), self.piece);
        let mut rest = Self { session, location, scope, sent, piece };
        rest.finish(descriptor, Payload::Whole(Bytes::new()), place).await
    }

    /// Ends the upload with its last bytes (all of them, none, or a stream) and its digest. After a break it is looked
    /// whether the blob is there; if not, it is tried again, where its bytes are still at hand.
    pub(crate) async fn finish(
        &mut self,
        descriptor: &Descriptor,
        mut last: Payload,
        place: &Arc<Place>,
    ) -> Result<(), RegistryError> {
        let mut tries = self.session.tries();
        loop {
            let again = last.again();
            let Err(error) = self.finish_once(descriptor, last, place).await else { return Ok(()) };
            // A registry that stored something else than was sent is not helped by being asked for it.
            let Some(again) = again.filter(|_| retry::judge(&error) != Verdict::Wrong) else { return Err(error) };
            self.session.recover(&mut tries, error).await?;
            if is_there(&self.session, descriptor).await? {
                return Ok(());
            }
            if self.sent == 0 {
                *self = Self::begin(&self.session, place).await?;
            }
            last = again;
        }
    }

    /// Ends the upload in one try.
    async fn finish_once(
        &self,
        descriptor: &Descriptor,
        last: Payload,
        place: &Arc<Place>,
    ) -> Result<(), RegistryError> {
        let url = Endpoint::commit(&self.location, &descriptor.digest);
        let ask = self.ask(Method::PUT, url, place).payload(last);
        let response = self.session.expect(self.session.send(ask).await?, &[201, 204], place).await?;
        check_stored(&response, &descriptor.digest, place)
    }

    /// Tells the registry to forget the upload, as far as it listens.
    pub(crate) async fn cancel(&self) {
        let place = self.session.place("cancelling", "an upload");
        let ask = Ask::new(Method::DELETE, self.location.clone(), self.scope.clone(), &place);
        // The registry forgets by itself in time.
        let _ = tokio::time::timeout(self.cancel_time(), self.session.send(ask)).await;
    }

    fn cancel_time(&self) -> Duration {
        limits::CANCEL_TIME.min(self.session.patience.idle)
    }

    fn ask(&self, method: Method, url: Url, place: &Arc<Place>) -> Ask {
        Ask::new(method, url, self.scope.clone(), place)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
    }
}

/// The offset of the last byte a registry says it has of an upload.
fn last_received(response: &Response) -> Option<u64> {
    response.headers().get(RANGE)?.to_str().ok()?.rsplit('-').next()?.trim().parse().ok()
}

/// Whether a registry has a blob. One of another length is not the one that is meant.
pub(crate) async fn is_there(session: &Session, descriptor: &Descriptor) -> Result<bool, RegistryError> {
    let place = session.place("looking for", format!("blob {}", descriptor.digest));
    let scope = Scope::push(session.name.repository());
    let ask = Ask::new(Method::HEAD, session.endpoint().blob(&descriptor.digest), scope, &place);
    let response = session.ask(ask, &[200, 404]).await?;
    let length = response.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    Ok(response.status().as_u16() == 200 && length.is_none_or(|length| length == descriptor.size))
}

/// Compares the digest a registry says it stored, where it says so in an algorithm of ours, with what was sent.
pub(crate) fn check_stored(response: &Response, sent: &Digest, place: &Arc<Place>) -> Result<(), RegistryError> {
    match problem::told_digest(response) {
        Some(actual) if actual.algorithm() == sent.algorithm() && actual != *sent => {
            Err(RegistryError::DigestMismatch { place: Arc::clone(place), expected: sent.clone(), actual })
        }
        _ => Ok(()),
    }
}
