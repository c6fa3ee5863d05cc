//! The manifest and the configuration of an image that is written again.

use oci_image::{Descriptor, Digest, ImageConfig, ImageSink, RawManifest};
use ostree_core::walk::load_commit;
use ostree_repo::Repo;

use crate::architecture::platform_of;
use crate::error::ContainerError;
use crate::keys::{BYTES_ANNOTATIONS, FINAL_DIFFID_LABEL};
use crate::stored::StoredImage;
use crate::write_layer::put_bytes;

/// A layer as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLayer {
    /// Its stored bytes.
    pub descriptor: Descriptor,
    /// The digest of its uncompressed bytes.
    pub diff_id: Digest,
}

/// What remains to be stored once all layers are.
pub struct Documents {
    config: (Vec<u8>, Descriptor),
    manifest: RawManifest,
    /// Whether these are the documents that were pulled.
    pub original: bool,
}

impl Documents {
    /// Stores the configuration, then the manifest, under the image's name.
    pub fn store(&self, sink: &dyn ImageSink) -> Result<Digest, ContainerError> {
        put_bytes(sink, &self.config.1, &self.config.0)?;
        Ok(sink.finish(&self.manifest)?)
    }
}

/// The documents for these layers, of which the first `base` hold a commit: the original ones, if all layers are.
pub fn documents(
    repo: &Repo,
    image: &StoredImage,
    layers: &[NewLayer],
    base: usize,
) -> Result<Documents, ContainerError> {
    let same = |(old, new): (&Descriptor, &NewLayer)| old.digest == new.descriptor.digest;
    if image.manifest.layers.len() == layers.len()
        && image.manifest.layers.iter().zip(layers).all(same)
        && let Some(documents) = original(image)?
    {
        return Ok(documents);
    }
    rebuilt(repo, image, layers, base)
}

/// The documents that were pulled, if their bytes are known: because they were kept, or because writing them as canonical
/// JSON, as most programs of this kind do, gives their digests.
fn original(image: &StoredImage) -> Result<Option<Documents>, ContainerError> {
    let manifest = match &image.original_manifest {
        Some(raw) => raw.clone(),
        None => image.manifest.to_raw()?,
    };
    let config = match (&image.original_config, &image.config) {
        (Some(bytes), _) => bytes.clone(),
        (None, Some(config)) => config.to_blob()?.0,
        (None, None) => return Ok(None),
    };
    let descriptor = image.manifest.config.clone();
    let known = manifest.digest == image.manifest_digest && Digest::sha256(&config) == descriptor.digest;
    Ok(known.then_some(Documents { config: (config, descriptor), manifest, original: true }))
}

fn rebuilt(repo: &Repo, image: &StoredImage, layers: &[NewLayer], base: usize) -> Result<Documents, ContainerError> {
    let mut manifest = image.manifest.to_oci();
    let mut config = match &image.config {
        Some(config) => config.clone(),
        None => config_of_annotations(repo, image)?,
    };
    if let Some(last) = base.checked_sub(1).and_then(|last| layers.get(last)) {
        let diff_id = last.diff_id.to_string();
        let labels = &mut config.config.get_or_insert_default().labels;
        labels.insert(FINAL_DIFFID_LABEL.into(), diff_id.clone());
        if let Some(value) = manifest.annotations.get_mut(FINAL_DIFFID_LABEL) {
            *value = diff_id;
        }
    }
    config.rootfs.diff_ids = layers.iter().map(|layer| layer.diff_id.clone()).collect();
    for (slot, new) in manifest.layers.iter_mut().zip(layers) {
        if slot.digest != new.descriptor.digest {
            let annotations = std::mem::take(&mut slot.annotations);
            *slot = new.descriptor.clone();
            slot.annotations = annotations.into_iter().filter(|(key, _)| !is_of_bytes(key)).collect();
        }
    }
    let config = config.to_blob()?;
    manifest.config = config.1.clone();
    Ok(Documents { config, manifest: manifest.to_raw()?, original: false })
}

fn is_of_bytes(key: &str) -> bool {
    BYTES_ANNOTATIONS.iter().any(|prefix| key.starts_with(prefix))
}

/// What can be said of an image whose configuration was not kept: its labels, which programs repeat as annotations.
fn config_of_annotations(repo: &Repo, image: &StoredImage) -> Result<ImageConfig, ContainerError> {
    let base = image.base.ok_or_else(|| {
        ContainerError::Request("the image's configuration was not kept; pull the image again".into())
    })?;
    let platform = platform_of(repo, &load_commit(repo, &base)?)?;
    let mut config = ImageConfig { architecture: platform.architecture, os: platform.os, ..ImageConfig::default() };
    config.config.get_or_insert_default().labels.extend(image.manifest.annotations.clone());
    Ok(config)
}
