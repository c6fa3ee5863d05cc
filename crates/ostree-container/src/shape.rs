//! Which of an image's layers belong to the commit, and which come after it.

use oci_image::config::ImageConfig;
use oci_image::manifest::Manifest;
use oci_image::{Descriptor, Digest, validate};

use crate::error::ContainerError;
use crate::keys::FINAL_DIFFID_LABEL;

/// A layer with the digest of its uncompressed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The layer as it is stored.
    pub descriptor: Descriptor,
    /// The digest of its uncompressed tar.
    pub diff_id: Digest,
}

/// The layers of an image that holds a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The first layer: the commit object, all metadata objects, and files that are in no other layer.
    pub commit: Layer,
    /// Layers of further file objects.
    pub chunks: Vec<Layer>,
    /// Layers that were put on top by other programs.
    pub derived: Vec<Layer>,
}

impl Shape {
    /// Tells the layers of an image apart. The label [`FINAL_DIFFID_LABEL`] names the last one that belongs to the commit.
    pub fn of(manifest: &Manifest, config: &ImageConfig) -> Result<Self, ContainerError> {
        validate::layers(manifest, config)?;
        let label = FINAL_DIFFID_LABEL;
        let last = config.label(label).ok_or(ContainerError::NotEncapsulated { label })?;
        let unknown = || ContainerError::FinalDiffId { label, diff_id: last.to_owned() };
        let last_digest: Digest = last.parse().map_err(|_| unknown())?;
        let position = config.rootfs.diff_ids.iter().position(|id| *id == last_digest).ok_or_else(unknown)?;
        let mut layers = manifest
            .layers
            .iter()
            .zip(&config.rootfs.diff_ids)
            .map(|(descriptor, diff_id)| Layer { descriptor: descriptor.clone(), diff_id: diff_id.clone() });
        let commit = layers.next().ok_or_else(unknown)?;
        Ok(Self { commit, chunks: layers.by_ref().take(position).collect(), derived: layers.collect() })
    }

    /// The layers that belong to the commit, the first one first.
    pub fn base(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(&self.commit).chain(&self.chunks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_image::media_type;

    fn image(layers: usize, last: Option<usize>) -> (Manifest, ImageConfig) {
        let digest = |n: usize| Digest::sha256(format!("{n}").as_bytes());
        let descriptors = (0..layers).map(|n| Descriptor::new(media_type::OCI_LAYER, digest(n + 100), 1)).collect();
        let manifest = Manifest::new(Descriptor::new(media_type::OCI_CONFIG, digest(99), 1), descriptors);
        let mut config = ImageConfig::default();
        config.rootfs.diff_ids = (0..layers).map(digest).collect();
        if let Some(last) = last {
            config.config.get_or_insert_default().labels.insert(FINAL_DIFFID_LABEL.into(), digest(last).to_string());
        }
        (manifest, config)
    }

    #[test]
    fn layers_are_told_apart() {
        let (manifest, config) = image(4, Some(2));
        let shape = Shape::of(&manifest, &config).unwrap();
        assert_eq!((shape.chunks.len(), shape.derived.len(), shape.base().count()), (2, 1, 3));
        let (manifest, config) = image(1, Some(0));
        assert_eq!(Shape::of(&manifest, &config).unwrap().base().count(), 1);
    }

    #[test]
    fn images_without_a_commit_are_refused() {
        let (manifest, config) = image(2, None);
        assert!(matches!(Shape::of(&manifest, &config), Err(ContainerError::NotEncapsulated { .. })));
        let (manifest, config) = image(2, Some(7));
        assert!(matches!(Shape::of(&manifest, &config), Err(ContainerError::FinalDiffId { .. })));
    }
}
