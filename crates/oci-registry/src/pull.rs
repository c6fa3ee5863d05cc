//! Reading manifests and blobs from a registry.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use oci_image::{Descriptor, Digest, DigestHasher, ImageError, RawManifest};
use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Method, Response};

use crate::auth::Scope;
use crate::error::{Place, RegistryError};
use crate::exchange::{Ask, Session};
use crate::pipe::{self, Receiver, Sender};
use crate::runtime::Runtime;
use crate::wait::{self, Patience};
use crate::{limits, media_type, problem};

/// Fetches the manifest that `reference` (a tag or digest) names. With `digest`, its bytes must have it.
pub(crate) async fn manifest(
    session: &Session,
    reference: &str,
    digest: Option<&Digest>,
) -> Result<RawManifest, RegistryError> {
    let place = session.place("fetching", format!("manifest {reference}"));
    let accept = HeaderValue::from_str(&media_type::accept())
        .map_err(|_| RegistryError::protocol(&place, "the accepted types are no header"))?;
    let scope = Scope::pull(session.name.repository());
    let ask = Ask::new(Method::GET, session.endpoint.manifest(reference), scope, &place).header(ACCEPT, accept);
    let response = session.expect(session.send(ask).await?, &[200], &place).await?;
    problem::refuse_page(&response, &place)?;
    let header = problem::content_type(&response);
    let bytes = problem::read_small(response, limits::MANIFEST_BYTES, &session.patience, &place).await?;
    let actual = match digest {
        Some(expected) => {
            let mut hasher = DigestHasher::new(expected.algorithm());
            hasher.update(&bytes);
            hasher.finish()
        }
        None => Digest::sha256(&bytes),
    };
    if let Some(expected) = digest.filter(|expected| **expected != actual) {
        return Err(RegistryError::DigestMismatch { place, expected: expected.clone(), actual });
    }
    let media_type =
        media_type::of(header.as_deref(), &bytes).map_err(|reason| RegistryError::protocol(&place, reason))?;
    Ok(RawManifest { bytes, media_type, digest: actual })
}

/// Fetches the manifest a descriptor points to, and checks its size too.
pub(crate) async fn manifest_at(session: &Session, descriptor: &Descriptor) -> Result<RawManifest, RegistryError> {
    let found = manifest(session, &descriptor.digest.to_string(), Some(&descriptor.digest)).await?;
    let actual = found.bytes.len() as u64;
    if actual != descriptor.size {
        let place = session.place("fetching", format!("manifest {}", descriptor.digest));
        return Err(RegistryError::SizeMismatch { place, expected: descriptor.size, actual });
    }
    Ok(found)
}

/// Opens a blob. Its status, type and stated length are judged before this returns; its bytes come through the reader.
pub(crate) fn blob(
    runtime: &Arc<Runtime>,
    session: &Session,
    descriptor: &Descriptor,
) -> Result<BlobReader, RegistryError> {
    let place = session.place("fetching", format!("blob {}", descriptor.digest));
    let response = runtime.block_on(open(session, descriptor, &place))?;
    let (sender, receiver) = pipe::pipe(limits::PIPE_BYTES);
    let transfer = Transfer { response, expected: descriptor.size, patience: session.patience, place };
    let task = runtime.spawn(transfer.run(sender));
    Ok(BlobReader { receiver, task, rest: Bytes::new(), failed: false, _runtime: Arc::clone(runtime) })
}

async fn open(session: &Session, descriptor: &Descriptor, place: &Arc<Place>) -> Result<Response, RegistryError> {
    let scope = Scope::pull(session.name.repository());
    let ask = Ask::new(Method::GET, session.endpoint.blob(&descriptor.digest), scope, place);
    let response = session.expect(session.send(ask).await?, &[200], place).await?;
    problem::refuse_page(&response, place)?;
    match response.content_length() {
        Some(actual) if actual != descriptor.size => {
            Err(RegistryError::SizeMismatch { place: Arc::clone(place), expected: descriptor.size, actual })
        }
        _ => Ok(response),
    }
}

/// A blob on its way.
struct Transfer {
    response: Response,
    expected: u64,
    patience: Patience,
    place: Arc<Place>,
}

impl Transfer {
    /// Moves the blob into the pipe until its end, an error, or the reader's loss of interest.
    async fn run(mut self, sender: Sender<RegistryError>) {
        let mut actual = 0_u64;
        loop {
            match wait::piece(self.response.chunk(), &self.patience, &self.place).await {
                Ok(Some(piece)) => {
                    actual += piece.len() as u64;
                    if actual > self.expected {
                        return sender.fail(self.mismatch(actual));
                    }
                    if sender.send(piece).await.is_err() {
                        return;
                    }
                }
                Ok(None) if actual == self.expected => return,
                Ok(None) => return sender.fail(self.mismatch(actual)),
                Err(error) => return sender.fail(error),
            }
        }
    }

    fn mismatch(&self, actual: u64) -> RegistryError {
        RegistryError::SizeMismatch { place: Arc::clone(&self.place), expected: self.expected, actual }
    }
}

/// A blob's bytes as they come. Its length is checked, its digest is not. Dropping it ends the transfer.
#[derive(Debug)]
pub(crate) struct BlobReader {
    receiver: Receiver<RegistryError>,
    task: tokio::task::JoinHandle<()>,
    rest: Bytes,
    failed: bool,
    _runtime: Arc<Runtime>,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Err(io::Error::other("the transfer has already failed"));
        }
        while self.rest.is_empty() {
            match self.receiver.next() {
                None => return Ok(0),
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(error)) => {
                    self.failed = true;
                    return Err(io::Error::other(ImageError::from(error)));
                }
            }
        }
        let count = buffer.len().min(self.rest.len());
        self.rest.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

impl Drop for BlobReader {
    fn drop(&mut self) {
        self.task.abort();
    }
}
