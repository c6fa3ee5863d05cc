//! The seam of this crate: where attachments and addresses are fetched, over a network that is not known here.

use oci_image::{Descriptor, Digest, ImageError, RawManifest};

use crate::in_storage::InStorage;

/// What can be asked about one image, for its signatures. What is not there is `None`, and no error.
pub trait SignatureStore {
    /// The image's top document, as everybody will read it afterwards.
    ///
    /// # Errors
    /// Those of the image's source.
    fn manifest(&self) -> Result<RawManifest, ImageError>;

    /// Where the container storage is that has the image, and what it is called there; `None` for all others.
    fn in_storage(&self) -> Option<InStorage> {
        None
    }

    /// What is at an address with `http` or `https`, at most `limit` bytes.
    ///
    /// # Errors
    /// Any answer but that there is nothing.
    fn address(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, ImageError>;

    /// The answer of a registry that itself keeps simple signatures; `None` for all others.
    ///
    /// # Errors
    /// Those of the registry.
    fn kept_signatures(&self, digest: &Digest) -> Result<Option<Vec<u8>>, ImageError>;

    /// The signatures that a container storage keeps with the image for a manifest, each as it would be in a file; `None` for
    /// all images that are not in one.
    ///
    /// # Errors
    /// Those of the storage.
    fn signatures_in_storage(&self, digest: &Digest) -> Result<Option<Vec<Vec<u8>>>, ImageError> {
        let _ = digest;
        Ok(None)
    }

    /// The manifest of that tag in the image's repository.
    ///
    /// # Errors
    /// Those of the registry.
    fn tagged(&self, tag: &str) -> Result<Option<RawManifest>, ImageError>;

    /// The registry's list of what refers to a manifest; `None` where it keeps no such lists.
    ///
    /// # Errors
    /// Those of the registry.
    fn referrers(&self, digest: &Digest) -> Result<Option<Vec<u8>>, ImageError>;

    /// A manifest of the image's repository, its digest verified.
    ///
    /// # Errors
    /// Those of the registry.
    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError>;

    /// A small blob of the image's repository, its digest and size verified; of at most `limit` bytes.
    ///
    /// # Errors
    /// Those of the registry.
    fn blob(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ImageError>;
}
