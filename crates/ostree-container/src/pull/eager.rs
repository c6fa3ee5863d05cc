//! A source whose first layers are on their way while the image's configuration is still coming.

use std::collections::BTreeMap;
use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use oci_image::document::Document;
use oci_image::source::{Partials, RawManifest};
use oci_image::{Descriptor, Digest, ImageError, ImageSource};
use ostree_repo::Repo;
use ostree_repo::refs::{self, RefTarget};

use crate::pull::ahead::{OpenBlob, open};
use crate::pull::finished::{AtHand, FinishedLayers};
use crate::pull::received::PARALLEL_FETCHES;
use crate::refs::blob_ref;
use crate::space::Coming;

/// How large a layer may be that is begun before it is asked for: it is in memory until then.
const MAX_LAYER: u64 = 128 * 1024;

/// A blob that is being opened.
struct Opening {
    layer: Descriptor,
    thread: JoinHandle<Result<OpenBlob, ImageError>>,
}

/// A source that begins to fetch small layers which the repository has not as soon as the manifest names them: as many as
/// there are requests at a time, the configuration's being one of them. What cannot fit is not begun.
pub struct Eager<'a> {
    source: Arc<dyn ImageSource>,
    repo: &'a Repo,
    parallel: usize,
    begun: Mutex<BTreeMap<Digest, Opening>>,
}

impl<'a> Eager<'a> {
    /// The image of `source`, which is about to be pulled into `repo` with up to `parallel` requests at a time.
    pub fn new(source: Arc<dyn ImageSource>, repo: &'a Repo, parallel: Option<NonZeroUsize>) -> Self {
        let parallel = parallel.unwrap_or(PARALLEL_FETCHES).get();
        Self { source, repo, parallel, begun: Mutex::default() }
    }

    fn begin(&self, manifest: &RawManifest) {
        // Whatever is wrong with it, those say who read it.
        let Ok(Document::Manifest(manifest)) = Document::parse(manifest) else { return };
        let notes = FinishedLayers::of(self.repo);
        let absent = |layer: &&Descriptor| {
            let name = RefTarget::Local(blob_ref(&layer.digest));
            matches!(refs::read(self.repo, &name), Ok(None)) && !notes.knows(&layer.digest)
        };
        let missing: Vec<&Descriptor> = manifest.layers.iter().filter(absent).collect();
        let coming = Coming::new(self.repo, &*self.source, missing.iter().copied(), &AtHand::default());
        if coming.check().is_err() {
            return;
        }
        let first = missing.into_iter().take(self.parallel - 1).filter(|layer| layer.size <= MAX_LAYER);
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        for layer in first {
            let opening = || {
                let (source, wanted) = (Arc::clone(&self.source), layer.clone());
                Opening { layer: layer.clone(), thread: std::thread::spawn(move || open(&*source, &wanted)) }
            };
            begun.entry(layer.digest.clone()).or_insert_with(opening);
        }
    }
}

impl Drop for Eager<'_> {
    /// Keeps nothing of what nobody took. Who is still opening it is not waited for.
    fn drop(&mut self) {
        let begun = std::mem::take(self.begun.get_mut().unwrap_or_else(PoisonError::into_inner));
        for Opening { layer, thread } in begun.into_values().filter(|opening| opening.thread.is_finished()) {
            drop(thread.join());
            if let Some(partials) = self.source.partials() {
                partials.finish(&[&layer]);
            }
        }
    }
}

impl ImageSource for Eager<'_> {
    fn name(&self) -> String {
        self.source.name()
    }

    fn manifest(&self) -> Result<RawManifest, ImageError> {
        self.source.manifest().inspect(|manifest| self.begin(manifest))
    }

    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError> {
        self.source.manifest_at(descriptor).inspect(|manifest| self.begin(manifest))
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
        self.source.blob(descriptor)
    }

    fn blob_with_kept(
        &self,
        descriptor: &Descriptor,
        kept: &Arc<AtomicU64>,
    ) -> Result<Box<dyn Read + Send>, ImageError> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(&descriptor.digest);
        match begun.map(|opening| opening.thread.join()) {
            Some(Ok(opened)) => {
                let OpenBlob { bytes, kept: found } = opened?;
                kept.fetch_add(found.load(Ordering::Acquire), Ordering::Release);
                Ok(bytes)
            }
            // A thread that panicked has said so; the blob may be there all the same.
            Some(Err(_)) | None => self.source.blob_with_kept(descriptor, kept),
        }
    }

    fn checks_digests(&self) -> bool {
        self.source.checks_digests()
    }

    fn stored_as(&self, descriptor: &Descriptor) -> Result<Descriptor, ImageError> {
        self.source.stored_as(descriptor)
    }

    fn partials(&self) -> Option<&dyn Partials> {
        self.source.partials()
    }
}
