//! Reading manifests and blobs from a registry.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::{Buf, Bytes};
use oci_image::{Descriptor, Digest, DigestHasher, ImageError, InvalidName, RawManifest};
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderValue};

use crate::ask::Ask;
use crate::auth::Scope;
use crate::error::RegistryError;
use crate::exchange::Session;
use crate::fetch::Transfer;
use crate::partial_store::PartialStore;
use crate::pipe::{self, Receiver};
use crate::route::Route;
use crate::runtime::Runtime;
use crate::{limits, media_type, problem};

/// Fetches the manifest that the image's name stands for, or with `digest` the one that has it.
pub(crate) async fn manifest(route: &Route, digest: Option<&Digest>) -> Result<RawManifest, RegistryError> {
    let mut turns = route.turns();
    while let Some(session) = turns.session() {
        let name = &session.name;
        let reference = digest.map_or_else(|| name.manifest_reference(), Digest::to_string);
        match manifest_there(session, &reference, digest.or_else(|| name.digest())).await {
            Ok(found) => return Ok(found),
            Err(error) => turns.next(error).await?,
        }
    }
    Err(InvalidName::new(&route.name.to_string(), "there is no place to fetch it from").into())
}

/// Asks once for the manifest that `reference` (a tag or digest) names. With `digest`, its bytes must have it; else the one
/// that the answer says they have, which guards against damage only.
pub(crate) async fn manifest_there(
    session: &Session,
    reference: &str,
    digest: Option<&Digest>,
) -> Result<RawManifest, RegistryError> {
    let place = session.place("fetching", format!("manifest {reference}"));
    let accept = HeaderValue::from_str(&media_type::accept())
        .map_err(|_| RegistryError::protocol(&place, "the accepted types are no header"))?;
    let scope = Scope::pull(session.name.repository());
    let url = session.endpoint().manifest(reference);
    let ask = Ask::new(Method::GET, url, scope, &place).header(ACCEPT, accept);
    let response = session.expect(session.send(ask).await?, &[200], &place).await?;
    let (header, told) = (problem::content_type(&response), problem::told_digest(&response));
    let bytes = problem::read_document(response, limits::MANIFEST_BYTES, &session.patience, &place).await?;
    if let Some(expected) = digest.or(told.as_ref()) {
        let mut hasher = DigestHasher::new(expected.algorithm());
        hasher.update(&bytes);
        let actual = hasher.finish();
        if *expected != actual {
            return Err(RegistryError::DigestMismatch { place, expected: expected.clone(), actual });
        }
    }
    let media_type =
        media_type::of(header.as_deref(), &bytes).map_err(|reason| RegistryError::protocol(&place, reason))?;
    let digest = digest.cloned().unwrap_or_else(|| Digest::sha256(&bytes));
    Ok(RawManifest { bytes, media_type, digest })
}

/// Fetches the manifest a descriptor points to, and checks its size too.
pub(crate) async fn manifest_at(route: &Route, descriptor: &Descriptor) -> Result<RawManifest, RegistryError> {
    let found = manifest(route, Some(&descriptor.digest)).await?;
    let actual = found.bytes.len() as u64;
    match route.turns().session() {
        Some(session) if actual != descriptor.size => {
            let place = session.place("fetching", format!("manifest {}", descriptor.digest));
            Err(RegistryError::SizeMismatch { place, expected: descriptor.size, actual })
        }
        _ => Ok(found),
    }
}

/// Opens a blob, and waits for its first bytes, so that one that is not there is known when this returns. With `kept`, its
/// bytes are kept until [`Partials::finish`](oci_image::source::Partials::finish) is called, and it grows by those that are
/// at hand.
pub(crate) fn blob(
    runtime: &Arc<Runtime>,
    route: &Arc<Route>,
    descriptor: &Descriptor,
    kept: Option<&Arc<AtomicU64>>,
) -> Result<BlobReader, RegistryError> {
    // With a budget, a block is to come whole whoever reads it.
    let whole = usize::try_from(limits::BLOCK_BYTES).unwrap_or(usize::MAX);
    let (sender, receiver) = pipe::pipe(if route.quota.max().is_some() { whole } else { limits::PIPE_BYTES });
    let right = Arc::default();
    let transfer = Transfer::new(Arc::clone(route), descriptor.clone(), sender, kept.cloned(), Arc::clone(&right));
    let digest = descriptor.digest.clone();
    let store = kept.and_then(|_| route.partials.clone());
    let task = runtime.spawn(transfer.run());
    let rest = Bytes::new();
    let runtime = Arc::clone(runtime);
    let mut reader =
        BlobReader { receiver, task, rest, failed: false, ended: false, read: 0, right, digest, store, runtime };
    reader.rest = reader.receiver.next().transpose()?.unwrap_or_default();
    Ok(reader)
}

/// A blob's bytes as they come. Its length is checked, its digest too, but not before its last byte: it ends only where both
/// are right. Dropping it ends the transfer.
#[derive(Debug)]
pub(crate) struct BlobReader {
    receiver: Receiver<RegistryError>,
    task: tokio::task::JoinHandle<()>,
    rest: Bytes,
    /// The transfer failed.
    failed: bool,
    /// The last byte was read.
    ended: bool,
    /// How many bytes were read.
    read: u64,
    /// All bytes were given, and have the digest.
    right: Arc<AtomicBool>,
    digest: Digest,
    /// Where its bytes are kept.
    store: Option<Arc<PartialStore>>,
    runtime: Arc<Runtime>,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Err(io::Error::other("the transfer has already failed"));
        }
        while self.rest.is_empty() {
            match self.receiver.next() {
                None if !self.right.load(Ordering::Acquire) => {
                    self.failed = true;
                    return Err(io::Error::other("the transfer was broken off"));
                }
                None => {
                    self.ended = true;
                    return Ok(0);
                }
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(error)) => {
                    self.failed = true;
                    return Err(io::Error::other(ImageError::from(error)));
                }
            }
        }
        let count = buffer.len().min(self.rest.len());
        self.rest.copy_to_slice(&mut buffer[..count]);
        self.read += count as u64;
        Ok(count)
    }
}

impl Drop for BlobReader {
    fn drop(&mut self) {
        self.task.abort();
        // Only then whoever asks next finds what was kept without an owner. Its result is nobody's concern.
        let _ = self.runtime.block_on(&mut self.task);
        if let Some(store) = &self.store
            && !self.failed
            && !self.ended
            && self.read > 0
        {
            store.give_up(&self.digest, self.read);
        }
    }
}
