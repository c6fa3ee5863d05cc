//! Writing to a registry: which blobs it has, blobs it takes over from elsewhere, and manifests.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use oci_image::{BlobWriter, Descriptor, Digest, RawManifest, each};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};

use crate::ask::Ask;
use crate::auth::Scope;
use crate::behind::Behind;
use crate::body::Payload;
use crate::error::RegistryError;
use crate::exchange::Session;
use crate::limits;
use crate::options::RegistryOptions;
use crate::pace::Quota;
use crate::pieces::Pieces;
use crate::presence::Presence;
use crate::runtime::Runtime;
use crate::upload::{Mount, Upload, check_stored, is_there};
use crate::writer;
use crate::writing::Context;

/// One image being pushed.
#[derive(Debug)]
pub(crate) struct Push {
    runtime: Arc<Runtime>,
    session: Arc<Session>,
    /// Where blobs may be taken over from, as long as that is not refused.
    mount_from: Mutex<Vec<String>>,
    quota: Arc<Quota>,
    behind: Arc<Behind>,
    pieces: Pieces,
    presence: Arc<Presence>,
}

impl Push {
    /// A push over `session`.
    pub(crate) fn new(runtime: Arc<Runtime>, session: Arc<Session>, options: &RegistryOptions) -> Self {
        let own = session.name.repository();
        let mount_from = options.mount_from.iter().filter(|from| *from != own).cloned().collect();
        let (mount_from, quota) = (Mutex::new(mount_from), Arc::new(Quota::new(&options.transfer, &options.run)));
        let (behind, pieces) = (Arc::new(Behind::new()), Pieces::default());
        Self { runtime, session, mount_from, quota, behind, pieces, presence: Arc::default() }
    }

    /// The session it goes over.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Whether the registry has a blob, or could take it over from one of the other repositories.
    pub(crate) fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, RegistryError> {
        if self.behind.has(&descriptor.digest) {
            self.behind.settle(&self.runtime)?;
        }
        self.runtime.block_on(async {
            if is_there(&self.session, descriptor).await? {
                return Ok(true);
            }
            let (mounted, opened) = self.mount(descriptor).await;
            let unused = if mounted { opened } else { self.presence.note(&descriptor.digest, opened) };
            if let Some(upload) = unused {
                upload.cancel().await;
            }
            Ok(mounted)
        })
    }

    /// Asks for a blob to be taken over from another repository. Whether it was, and an upload that was opened instead.
    async fn mount(&self, descriptor: &Descriptor) -> (bool, Option<Upload>) {
        let place = self.session.place("mounting", format!("blob {}", descriptor.digest));
        let repositories = self.mount_from().clone();
        let mut opened: Option<Upload> = None;
        for from in &repositories {
            match Upload::mount(&self.session, &descriptor.digest, from, &place).await {
                Ok(Mount::Done) => return (true, opened),
                Ok(Mount::Opened(upload)) => {
                    if let Some(before) = opened.replace(upload) {
                        before.cancel().await;
                    }
                }
                // Who may write here need not be allowed to read there, and not every registry can do it. What is wrong with
                // the registry itself, the upload will tell.
                Err(_) => self.mount_from().retain(|other| other != from),
            }
        }
        (false, opened)
    }

    /// Starts to write a blob. Where small ones failed that were written before, that is told here at the earliest.
    pub(crate) fn start_blob(&self, known: Option<&Descriptor>) -> Result<Box<dyn BlobWriter>, RegistryError> {
        self.behind.check()?;
        let subject = known.map_or_else(|| "a blob".to_owned(), |descriptor| format!("blob {}", descriptor.digest));
        let place = self.session.place("uploading", subject);
        let (runtime, session) = (Arc::clone(&self.runtime), Arc::clone(&self.session));
        let (quota, behind) = (Arc::clone(&self.quota), Arc::clone(&self.behind));
        let (pieces, presence) = (self.pieces.clone(), Arc::clone(&self.presence));
        writer::start(Context { runtime, session, place, quota, behind, pieces, presence }, known)
    }

    /// Stores a manifest under its own digest.
    pub(crate) fn put_by_digest(&self, manifest: &RawManifest) -> Result<Digest, RegistryError> {
        let digest = Digest::sha256(&manifest.bytes);
        self.put(manifest, &digest.to_string(), &digest)?;
        Ok(digest)
    }

    /// Stores the image's own manifest under its tag, or its digest when it has no tag.
    pub(crate) fn put_top(&self, manifest: &RawManifest) -> Result<Digest, RegistryError> {
        let digest = Digest::sha256(&manifest.bytes);
        let place = self.session.place("uploading", format!("manifest {digest}"));
        if let Some(expected) = self.session.name.digest().filter(|expected| **expected != digest) {
            return Err(RegistryError::DigestMismatch { place, expected: expected.clone(), actual: digest });
        }
        let tag = self.session.name.tag().map_or_else(|| digest.to_string(), str::to_owned);
        self.put(manifest, &tag, &digest)?;
        Ok(digest)
    }

    fn put(&self, manifest: &RawManifest, reference: &str, digest: &Digest) -> Result<(), RegistryError> {
        self.behind.settle(&self.runtime)?;
        let place = self.session.place("uploading", format!("manifest {reference}"));
        if manifest.bytes.len() as u64 > limits::MANIFEST_BYTES {
            return Err(RegistryError::protocol(&place, format!("it is larger than {} bytes", limits::MANIFEST_BYTES)));
        }
        let kind = HeaderValue::from_str(&manifest.media_type)
            .map_err(|_| RegistryError::protocol(&place, "its media type is no header"))?;
        let scope = Scope::push(self.session.name.repository());
        self.runtime.block_on(async {
            let ask = Ask::new(Method::PUT, self.session.endpoint().manifest(reference), scope, &place)
                .header(CONTENT_TYPE, kind)
                .payload(Payload::Whole(Bytes::copy_from_slice(&manifest.bytes)));
            let response = self.session.ask(ask, &[200, 201, 202]).await?;
            check_stored(&response, digest, &place)
        })
    }

    fn mount_from(&self) -> MutexGuard<'_, Vec<String>> {
        self.mount_from.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        let left = self.presence.left();
        let cancel = |_, upload: &Upload| {
            self.runtime.block_on(upload.cancel());
            Ok::<(), ()>(())
        };
        // There may be one for every layer.
        let _ = each(limits::ASKED_AT_ONCE, &left, &|| {}, cancel);
    }
}
