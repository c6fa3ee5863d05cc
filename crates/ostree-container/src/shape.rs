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

/// The layers that hold a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseLayers {
    /// The first layer: the commit object, all metadata objects, and files that are in no other layer.
    pub commit: Layer,
    /// Layers of further file objects.
    pub chunks: Vec<Layer>,
}

impl BaseLayers {
    /// All of them, the commit's first.
    pub fn iter(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(&self.commit).chain(&self.chunks)
    }
}

/// The layers of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Those of the commit; an image that nobody encapsulated has none.
    pub base: Option<BaseLayers>,
    /// Layers that were put on top by other programs.
    pub derived: Vec<Layer>,
}

impl Shape {
    /// Tells the layers of an image apart. The label [`FINAL_DIFFID_LABEL`] names the last one that belongs to the commit;
    /// a label that names none, or one that stands twice, is an error.
    pub fn of(manifest: &Manifest, config: &ImageConfig) -> Result<Self, ContainerError> {
        validate::layers(manifest, config)?;
        let mut layers: Vec<Layer> = manifest
            .layers
            .iter()
            .zip(&config.rootfs.diff_ids)
            .map(|(descriptor, diff_id)| Layer { descriptor: descriptor.clone(), diff_id: diff_id.clone() })
            .collect();
        let label = FINAL_DIFFID_LABEL;
        let Some(last) = config.label(label) else { return Ok(Self { base: None, derived: layers }) };
        let named: Option<Digest> = last.parse().ok();
        let mut positions = layers.iter().enumerate().filter(|(_, layer)| named.as_ref() == Some(&layer.diff_id));
        let (Some((position, _)), again) = (positions.next(), positions.next()) else {
            return Err(ContainerError::FinalDiffId { label, diff_id: last.to_owned() });
        };
        if again.is_some() {
            return Err(ContainerError::FinalDiffIdTwice { label, diff_id: last.to_owned() });
        }
        let derived = layers.split_off(position + 1);
        let mut own = layers.into_iter();
        let base = own.next().map(|commit| BaseLayers { commit, chunks: own.collect() });
        Ok(Self { base, derived })
    }

    /// The layers of the commit, of an image that must have some.
    pub fn require_base(&self) -> Result<&BaseLayers, ContainerError> {
        self.base.as_ref().ok_or(ContainerError::NotEncapsulated { label: FINAL_DIFFID_LABEL })
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
        assert_eq!((shape.require_base().unwrap().iter().count(), shape.derived.len()), (3, 1));
        let (manifest, config) = image(1, Some(0));
        assert_eq!(Shape::of(&manifest, &config).unwrap().require_base().unwrap().chunks, []);
        let (manifest, config) = image(2, None);
        let plain = Shape::of(&manifest, &config).unwrap();
        assert_eq!(plain.derived.len(), 2);
        assert!(matches!(plain.require_base(), Err(ContainerError::NotEncapsulated { .. })));
    }

    #[test]
    fn labels_that_lie_are_refused() {
        let (manifest, config) = image(2, Some(7));
        assert!(matches!(Shape::of(&manifest, &config), Err(ContainerError::FinalDiffId { .. })));
        let (manifest, mut config) = image(3, Some(0));
        config.rootfs.diff_ids[2] = config.rootfs.diff_ids[0].clone();
        assert!(matches!(Shape::of(&manifest, &config), Err(ContainerError::FinalDiffIdTwice { .. })));
    }
}
