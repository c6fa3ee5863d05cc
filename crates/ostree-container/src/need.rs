//! How much a repository grows by layers that are still to be fetched.

use std::collections::BTreeSet;

use oci_image::Descriptor;
use oci_image::media_type::LayerCompression;
use ostree_repo::RepoMode;

/// What is known beforehand of the space that layers will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Bytes.
    pub bytes: u64,
    /// Whether that is all; otherwise they take this much at least.
    pub exact: bool,
}

impl Need {
    /// Nothing at all.
    pub const NOTHING: Self = Self { bytes: 0, exact: true };

    /// What one layer will take in a repository of mode `mode`, which its manifest names as `layer` and its source has as
    /// `stored`. A layer that is stored as it is takes its size. What a compressed one unpacks to stands nowhere; it is not
    /// less than what is stored. An archive compresses once more, which leaves nothing to say but of a layer that somebody
    /// has compressed.
    pub fn of_layer(mode: RepoMode, layer: &Descriptor, stored: &Descriptor) -> Self {
        let layer = if mode == RepoMode::Archive { layer } else { stored };
        let plain = LayerCompression::from_media_type(&layer.media_type) == Some(LayerCompression::None);
        match (plain, mode == RepoMode::Archive) {
            (true, true) => Self { bytes: 0, exact: layer.size == 0 },
            (exact, _) => Self { bytes: layer.size, exact },
        }
    }

    /// What several layers will take, each as its manifest and its source have it. One that stands there twice counts once.
    pub fn of_layers<'a>(mode: RepoMode, layers: impl IntoIterator<Item = (&'a Descriptor, &'a Descriptor)>) -> Self {
        let mut seen = BTreeSet::new();
        let distinct = layers.into_iter().filter(|(layer, _)| seen.insert(&layer.digest));
        distinct.map(|(layer, stored)| Self::of_layer(mode, layer, stored)).fold(Self::NOTHING, |sum, need| Self {
            bytes: sum.bytes.saturating_add(need.bytes),
            exact: sum.exact && need.exact,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_image::{Digest, media_type};

    fn layer(media_type: &str, size: u64) -> Descriptor {
        Descriptor::new(media_type, Digest::sha256(format!("{media_type} {size}").as_bytes()), size)
    }

    #[test]
    fn only_plain_layers_are_known_exactly() {
        let (tar, gzip) = (layer(media_type::OCI_LAYER, 7), layer(media_type::OCI_LAYER_GZIP, 5));
        let need = |mode, layers: &[&Descriptor]| Need::of_layers(mode, layers.iter().map(|layer| (*layer, *layer)));
        assert_eq!(need(RepoMode::BareUser, &[&tar, &tar]), Need { bytes: 7, exact: true });
        assert_eq!(need(RepoMode::BareUser, &[&tar, &gzip]), Need { bytes: 12, exact: false });
        assert_eq!(need(RepoMode::Archive, &[&tar, &gzip]), Need { bytes: 5, exact: false });
        assert_eq!(need(RepoMode::Archive, &[]), Need::NOTHING);
    }

    #[test]
    fn a_layer_that_its_source_has_unpacked_is_known_exactly() {
        let (tar, gzip) = (layer(media_type::OCI_LAYER, 7), layer(media_type::OCI_LAYER_GZIP, 5));
        assert_eq!(Need::of_layer(RepoMode::Bare, &gzip, &tar), Need { bytes: 7, exact: true });
        assert_eq!(Need::of_layer(RepoMode::Archive, &gzip, &tar), Need { bytes: 5, exact: false });
        assert_eq!(Need::of_layers(RepoMode::Bare, [(&gzip, &tar), (&gzip, &tar)]), Need { bytes: 7, exact: true });
    }
}
