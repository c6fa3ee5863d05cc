//! The media types of images, and what each of them is.

/// An OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// An OCI image configuration.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// An uncompressed OCI layer.
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// An OCI layer compressed with gzip.
pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// An OCI layer compressed with zstd.
pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// The prefix of OCI layers that must not be redistributed (deprecated, still found).
pub const OCI_LAYER_NONDISTRIBUTABLE: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar";
/// A Docker manifest, version 2 schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// A Docker manifest list.
pub const DOCKER_MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// A Docker image configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// What the media types of all Docker layers begin with.
pub const DOCKER_LAYERS: &str = "application/vnd.docker.image.rootfs.";
/// An uncompressed Docker layer.
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
/// A Docker layer compressed with gzip.
pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// A Docker layer compressed with zstd.
pub const DOCKER_LAYER_ZSTD: &str = "application/vnd.docker.image.rootfs.diff.tar.zstd";
/// The prefix of Docker layers that are fetched from elsewhere.
pub const DOCKER_LAYER_FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar";
/// The prefix of Docker's first manifest schema, which nothing here reads.
pub const DOCKER_MANIFEST_V1_PREFIX: &str = "application/vnd.docker.distribution.manifest.v1+";

/// What a document of an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// One image's manifest.
    Manifest,
    /// A list of manifests by platform.
    Index,
}

/// Which kind of document `media_type` names; `None` for anything else. Parameters after `;` are ignored.
pub fn document_kind(media_type: &str) -> Option<DocumentKind> {
    match essence(media_type) {
        OCI_MANIFEST | DOCKER_MANIFEST => Some(DocumentKind::Manifest),
        OCI_INDEX | DOCKER_MANIFEST_LIST => Some(DocumentKind::Index),
        _ => None,
    }
}

/// Whether `media_type` is an image configuration.
pub fn is_config(media_type: &str) -> bool {
    matches!(essence(media_type), OCI_CONFIG | DOCKER_CONFIG)
}

/// How a layer's tar stream is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerCompression {
    /// The tar itself.
    None,
    /// gzip (RFC 1952), one or more members.
    Gzip,
    /// zstd (RFC 8878), one or more frames.
    Zstd,
}

impl LayerCompression {
    /// The compression that a layer's media type promises; `None` when it is no layer's media type.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        let media_type = essence(media_type);
        let bases = [OCI_LAYER, OCI_LAYER_NONDISTRIBUTABLE, DOCKER_LAYER, DOCKER_LAYER_FOREIGN];
        let suffix = bases.iter().find_map(|base| media_type.strip_prefix(base))?;
        match suffix {
            "" => Some(Self::None),
            "+gzip" | ".gzip" => Some(Self::Gzip),
            "+zstd" | ".zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The OCI media type of a layer stored so.
    pub fn oci_media_type(self) -> &'static str {
        match self {
            Self::None => OCI_LAYER,
            Self::Gzip => OCI_LAYER_GZIP,
            Self::Zstd => OCI_LAYER_ZSTD,
        }
    }
}

/// The media type without parameters and surrounding spaces.
pub fn essence(media_type: &str) -> &str {
    media_type.split_once(';').map_or(media_type, |(essence, _)| essence).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_classified() {
        let cases = [
            (OCI_LAYER, Some(LayerCompression::None)),
            (OCI_LAYER_GZIP, Some(LayerCompression::Gzip)),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Some(LayerCompression::Zstd)),
            (DOCKER_LAYER_GZIP, Some(LayerCompression::Gzip)),
            ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Some(LayerCompression::Gzip)),
            ("application/vnd.oci.image.layer.v1.tar+lzma", None),
            (OCI_CONFIG, None),
        ];
        for (media_type, expected) in cases {
            assert_eq!(LayerCompression::from_media_type(media_type), expected, "{media_type}");
        }
    }

    #[test]
    fn documents_are_classified() {
        assert_eq!(document_kind("application/vnd.oci.image.index.v1+json; x=y"), Some(DocumentKind::Index));
        assert_eq!(document_kind(DOCKER_MANIFEST), Some(DocumentKind::Manifest));
        assert_eq!(document_kind(OCI_LAYER), None);
    }
}
