//! The public face: one image on a registry as source and as sink. It delegates only.

use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use oci_image::source::Partials;
use oci_image::{
    BlobWriter, Descriptor, Digest, ImageError, ImageSink, ImageSource, Platform, RawManifest, document, each, validate,
};

use crate::attach;
use crate::error::RegistryError;
use crate::exchange::Session;
use crate::limits;
use crate::name::ImageName;
use crate::neighbour;
use crate::options::RegistryOptions;
use crate::pull;
use crate::push::Push;
use crate::route::Route;
use crate::runtime::Runtime;
use crate::settings::Settings;

/// An image on a registry, to be read. Its calls block; none of them may be made from an asynchronous task.
#[derive(Debug)]
pub struct RegistrySource {
    runtime: Arc<Runtime>,
    route: Arc<Route>,
    /// The top document, once fetched: a tag that moves meanwhile must not mix two images.
    top: OnceLock<RawManifest>,
}

impl RegistrySource {
    /// Opens the image `name`, the part after `docker://`: `[host[:port]/]repository[:tag][@digest]`. Finds credentials
    /// and certificates of the first place; the registry itself is first asked by the first use.
    pub fn open(name: &str, options: &RegistryOptions) -> Result<Self, RegistryError> {
        let name = ImageName::parse(name)?;
        let settings = Arc::new(Settings::read(options)?);
        let mut sessions = Vec::new();
        for site in settings.places(&name)? {
            sessions.push(Arc::new(Session::new(site, &settings)?));
        }
        let prepared = sessions.first().map_or(Ok(()), |first| first.prepare());
        // With several places, what is wrong with the settings of one is its own affair: the others are asked all the same.
        if sessions.len() == 1 {
            prepared?;
        }
        let route = Arc::new(Route::new(name, sessions, options));
        Ok(Self { runtime: Arc::new(Runtime::start()?), route, top: OnceLock::new() })
    }
}

impl RegistrySource {
    /// The manifest of a tag in the image's repository; `None` where there is none.
    pub fn tagged(&self, tag: &str) -> Result<Option<RawManifest>, ImageError> {
        Ok(self.runtime.block_on(attach::tagged(&self.route, tag))?)
    }

    /// The index of what refers to a manifest, as the registry gives it; `None` where it keeps no such lists.
    pub fn referrers(&self, digest: &Digest) -> Result<Option<Vec<u8>>, ImageError> {
        Ok(self.runtime.block_on(attach::referrers(&self.route, digest))?)
    }

    /// The list of the simple signatures of a manifest, as a registry gives it that keeps them itself; `None` where it does
    /// not (`X-Registry-Supports-Signatures`).
    pub fn kept_signatures(&self, digest: &Digest) -> Result<Option<Vec<u8>>, ImageError> {
        Ok(self.runtime.block_on(attach::kept_signatures(&self.route, digest))?)
    }
}

/// What is at an address with `http` or `https`, at most `limit` bytes; `None` where there is nothing. No credentials are
/// sent; certificates are judged as for a registry of that host.
pub fn fetch_address(url: &str, options: &RegistryOptions, limit: u64) -> Result<Option<Vec<u8>>, ImageError> {
    Ok(Runtime::start()?.block_on(attach::address(url, options, limit))?)
}

impl ImageSource for RegistrySource {
    fn name(&self) -> String {
        self.route.name.to_string()
    }

    fn manifest(&self) -> Result<RawManifest, ImageError> {
        if let Some(top) = self.top.get() {
            return Ok(top.clone());
        }
        let found = self.runtime.block_on(pull::manifest(&self.route, None))?;
        Ok(self.top.get_or_init(|| found).clone())
    }

    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError> {
        Ok(self.runtime.block_on(pull::manifest_at(&self.route, descriptor))?)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
        Ok(Box::new(pull::blob(&self.runtime, &self.route, descriptor, None)?))
    }

    fn blob_with_kept(
        &self,
        descriptor: &Descriptor,
        kept: &Arc<AtomicU64>,
    ) -> Result<Box<dyn Read + Send>, ImageError> {
        Ok(Box::new(pull::blob(&self.runtime, &self.route, descriptor, Some(kept))?))
    }

    fn checks_digests(&self) -> bool {
        true
    }

    fn partials(&self) -> Option<&dyn Partials> {
        self.route.partials.as_deref().map(|store| store as &dyn Partials)
    }
}

/// An image on a registry, to be written. Its calls block; none of them may be made from an asynchronous task. Small blobs
/// arrive after they were committed: what becomes of them, the next call tells, and the one that stores a manifest at the
/// latest.
#[derive(Debug)]
pub struct RegistrySink {
    push: Push,
    /// The image that has the name now.
    present: RegistrySource,
}

impl RegistrySink {
    /// Opens the image `name` for writing; see [`RegistrySource::open`]. With a digest in the name, the manifest must have
    /// it; with neither tag nor digest, the tag is `latest`.
    pub fn open(name: &str, options: &RegistryOptions) -> Result<Self, RegistryError> {
        let settings = Arc::new(Settings::read(options)?);
        let name = ImageName::parse(name)?;
        let site = settings.place_to_push(&name)?;
        let session = Arc::new(Session::new(site, &settings)?);
        session.prepare()?;
        let runtime = Arc::new(Runtime::start()?);
        let route = Arc::new(Route::new(name, vec![Arc::clone(&session)], options));
        let present = RegistrySource { runtime: Arc::clone(&runtime), route, top: OnceLock::new() };
        Ok(Self { push: Push::new(runtime, session, options), present })
    }

    /// Another image of the repository.
    fn neighbour(&self) -> Option<RegistrySource> {
        let RegistrySource { runtime, route, .. } = &self.present;
        let top = runtime.block_on(neighbour::neighbour(self.push.session())).ok().flatten()?;
        Some(RegistrySource { runtime: Arc::clone(runtime), route: Arc::clone(route), top: OnceLock::from(top) })
    }
}

impl ImageSink for RegistrySink {
    fn name(&self) -> String {
        self.push.session().name.to_string()
    }

    fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, ImageError> {
        Ok(self.push.has_blob(descriptor)?)
    }

    fn has_blobs(&self, descriptors: &[Descriptor]) -> Result<Vec<bool>, ImageError> {
        each(limits::ASKED_AT_ONCE, descriptors, &|| {}, |_, descriptor| self.has_blob(descriptor))
    }

    fn diff_ids(&self) -> Vec<Digest> {
        let read = |image: &RegistrySource| {
            let (_, manifest) = document::resolve(image, &Platform::host())?;
            validate::read_config(image, &manifest).map(|(_, config)| config.rootfs.diff_ids)
        };
        // There may be no such image, or none that can be read: then nothing is known.
        let found = match read(&self.present) {
            Err(ImageError::NotFound { .. }) => self.neighbour().map_or_else(|| Ok(Vec::new()), |image| read(&image)),
            found => found,
        };
        found.unwrap_or_default()
    }

    fn blobs_at_once(&self) -> NonZeroUsize {
        limits::BLOBS_AT_ONCE
    }

    fn start_blob(&self, known: Option<&Descriptor>) -> Result<Box<dyn BlobWriter>, ImageError> {
        Ok(self.push.start_blob(known)?)
    }

    fn put_manifest(&self, manifest: &RawManifest) -> Result<(), ImageError> {
        Ok(self.push.put_by_digest(manifest).map(drop)?)
    }

    fn finish(&self, manifest: &RawManifest) -> Result<Digest, ImageError> {
        Ok(self.push.put_top(manifest)?)
    }
}
