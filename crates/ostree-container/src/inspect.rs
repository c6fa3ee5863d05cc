//! What an image says of itself.

use oci_image::config::ImageConfig;
use oci_image::manifest::Manifest;
use oci_image::platform::Platform;
use oci_image::source::RawManifest;
use oci_image::{Digest, ImageSource, document, validate};

use crate::error::ContainerError;

/// An image's documents.
#[derive(Debug, Clone)]
pub struct ImageInfo {
    /// The digest of the document the reference names: the manifest, or the index it was chosen from.
    pub digest: Digest,
    /// The manifest as it came.
    pub raw_manifest: RawManifest,
    /// The manifest.
    pub manifest: Manifest,
    /// The image configuration as it came.
    pub raw_config: Vec<u8>,
    /// The image configuration.
    pub config: ImageConfig,
}

/// Reads the manifest (for `platform`, where there are several) and the configuration of an image.
pub fn inspect(source: &dyn ImageSource, platform: &Platform) -> Result<ImageInfo, ContainerError> {
    let top = source.manifest()?;
    let (raw_manifest, manifest) = document::resolve_from(source, top.clone(), platform)?;
    let (raw_config, config) = validate::read_config(source, &manifest)?;
    Ok(ImageInfo { digest: top.digest, raw_manifest, manifest, raw_config, config })
}
