//! Opening images that the container policy lets in, and no others.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::SystemTime;

use anyhow::{Result, bail};
use oci_image::{
    Descriptor, Digest, ImageError, ImageReference, ImageSource, OstreeImageReference, RawManifest, SignatureSource,
    Transport, VerifyReader,
};
use oci_registry::{RegistryOptions, RegistrySource, fetch_address};
use oci_storage::StorageSource;
use oci_trust::{InStorage, Policy, SignatureStore, TrustError, Verdict, judge};
use ostree_repo::Repo;

use crate::images::{RegistryArgs, SourceReference};
use crate::transfer::AmountArgs;

impl RegistryArgs {
    /// Opens an image for reading, if it may come in.
    pub fn admitted(&self, image: &SourceReference) -> Result<Box<dyn ImageSource>> {
        self.admit(image, self.options())
    }

    /// Opens an image for reading into a repository, if it may come in; see [`RegistryArgs::options_into`].
    pub fn admitted_into(
        &self,
        image: &SourceReference,
        repo: &Repo,
        amount: &AmountArgs,
    ) -> Result<Box<dyn ImageSource>> {
        self.admit(image, self.options_into(repo, amount))
    }

    fn admit(&self, image: &SourceReference, options: RegistryOptions) -> Result<Box<dyn ImageSource>> {
        let needs_signature = needs_signature(image);
        let policy = match self.policy.policies().read()? {
            Some(policy) => policy,
            None if needs_signature => return Err(self.no_policy().into()),
            None => return Ok(self.open(image.image(), options)?.source),
        };
        let (source, verdict) = self.judged(image.image(), options, &policy)?;
        require(&verdict, needs_signature)?;
        Ok(source)
    }

    /// What the policy says about an image.
    pub fn verdict(&self, image: &SourceReference) -> Result<Verdict> {
        let policy = self.policy.policies().read()?.ok_or_else(|| self.no_policy())?;
        Ok(self.judged(image.image(), self.options(), &policy)?.1)
    }

    fn no_policy(&self) -> TrustError {
        TrustError::NoPolicy { looked: self.policy.policies().candidates() }
    }

    fn judged(
        &self,
        image: &ImageReference,
        options: RegistryOptions,
        policy: &Policy,
    ) -> Result<(Box<dyn ImageSource>, Verdict)> {
        let Opened { source, registry, storage } = self.open(image, options.clone())?;
        let store = Store { source: &*source, registry: registry.as_deref(), storage: storage.as_deref(), options };
        let verdict = judge(policy, image, &self.policy.stores(), &store, SystemTime::now())?;
        match (&verdict.digest, &registry) {
            // A registry's source keeps its document; a file may be another one when it is read again.
            (Some(_), None) => {
                let top = store.manifest()?;
                if verdict.digest.as_ref() != Some(&top.digest) {
                    bail!("{image}: it changed while it was looked at");
                }
                Ok((Box::new(Bound { source, top }), verdict))
            }
            _ => Ok((source, verdict)),
        }
    }

    /// Opens an image, and where it is on a registry or in a storage, what is beside it.
    fn open(&self, image: &ImageReference, options: RegistryOptions) -> Result<Opened> {
        Ok(match image.transport {
            Transport::Registry => {
                let source = Arc::new(RegistrySource::open(&image.name, &options)?);
                Opened { source: Box::new(Arc::clone(&source)), registry: Some(source), storage: None }
            }
            Transport::ContainersStorage => {
                let source = Arc::new(self.storage(image)?);
                Opened { source: Box::new(Arc::clone(&source)), registry: None, storage: Some(source) }
            }
            _ => Opened { source: self.source(image)?, registry: None, storage: None },
        })
    }
}

/// An image, and where it is on a registry or in a storage, the same for what is beside it.
struct Opened {
    source: Box<dyn ImageSource>,
    registry: Option<Arc<RegistrySource>>,
    storage: Option<Arc<StorageSource>>,
}

/// Passes an image on that may come in, and with a signature where one is asked for.
pub fn require(verdict: &Verdict, needs_signature: bool) -> Result<(), TrustError> {
    if needs_signature { verdict.require_signature() } else { verdict.require() }
}

/// Whether a reference asks for a signature by the container policy.
pub fn needs_signature(image: &SourceReference) -> bool {
    let source = match image {
        SourceReference::Ostree(OstreeImageReference { sigverify, .. }) => Some(sigverify),
        SourceReference::Plain(_) => None,
    };
    source == Some(&SignatureSource::ContainerPolicy)
}

/// Where the signatures of an image are fetched.
struct Store<'a> {
    source: &'a dyn ImageSource,
    registry: Option<&'a RegistrySource>,
    storage: Option<&'a StorageSource>,
    options: RegistryOptions,
}

impl SignatureStore for Store<'_> {
    fn manifest(&self) -> Result<RawManifest, ImageError> {
        self.source.manifest()
    }

    fn in_storage(&self) -> Option<InStorage> {
        let place = self.storage?.place().clone();
        Some(InStorage { driver: place.driver, root: place.root, name: place.name, id: place.id })
    }

    fn address(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, ImageError> {
        fetch_address(url, &self.options, limit)
    }

    fn kept_signatures(&self, digest: &Digest) -> Result<Option<Vec<u8>>, ImageError> {
        self.registry.map_or(Ok(None), |registry| registry.kept_signatures(digest))
    }

    fn signatures_in_storage(&self, digest: &Digest) -> Result<Option<Vec<Vec<u8>>>, ImageError> {
        self.storage.map(|storage| storage.signatures(digest)).transpose()
    }

    fn tagged(&self, tag: &str) -> Result<Option<RawManifest>, ImageError> {
        self.registry.map_or(Ok(None), |registry| registry.tagged(tag))
    }

    fn referrers(&self, digest: &Digest) -> Result<Option<Vec<u8>>, ImageError> {
        self.registry.map_or(Ok(None), |registry| registry.referrers(digest))
    }

    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError> {
        self.source.manifest_at(descriptor)
    }

    fn blob(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ImageError> {
        let what = format!("signature {}", descriptor.digest);
        if descriptor.size > limit {
            let reason = format!("{} bytes are more than the limit of {limit}", descriptor.size);
            return Err(ImageError::Invalid { what, reason });
        }
        let mut reader = VerifyReader::new(self.source.blob(descriptor)?, descriptor, what.clone());
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(|error| ImageError::from_stream("reading", &what, error))?;
        reader.finish()?;
        Ok(bytes)
    }
}

/// An image in files with the document that was judged.
struct Bound {
    source: Box<dyn ImageSource>,
    top: RawManifest,
}

impl ImageSource for Bound {
    fn name(&self) -> String {
        self.source.name()
    }

    fn manifest(&self) -> Result<RawManifest, ImageError> {
        Ok(self.top.clone())
    }

    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError> {
        self.source.manifest_at(descriptor)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
        self.source.blob(descriptor)
    }

    fn blob_with_kept(
        &self,
        descriptor: &Descriptor,
        kept: &Arc<AtomicU64>,
    ) -> Result<Box<dyn Read + Send>, ImageError> {
        self.source.blob_with_kept(descriptor, kept)
    }

    fn stored_as(&self, descriptor: &Descriptor) -> Result<Descriptor, ImageError> {
        self.source.stored_as(descriptor)
    }
}
