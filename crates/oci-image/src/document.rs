//! A manifest or index told apart, whatever its source said it was.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::descriptor::Descriptor;
use crate::digest::{Digest, DigestHasher};
use crate::error::ImageError;
use crate::index::Index;
use crate::json;
use crate::limits::MAX_MANIFEST;
use crate::manifest::Manifest;
use crate::media_type::{self, DocumentKind};
use crate::platform::Platform;
use crate::source::{ImageSource, RawManifest};

/// The top document of an image, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// One image.
    Manifest(Box<Manifest>),
    /// Images by platform.
    Index(Index),
}

/// The members that tell what a document is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    media_type: Option<String>,
    schema_version: Option<u32>,
    manifests: Option<IgnoredAny>,
    config: Option<IgnoredAny>,
}

impl Document {
    /// Parses a raw document by its media type.
    ///
    /// # Errors
    /// [`ImageError::Unsupported`] for a media type that is neither, and those of the parsers.
    pub fn parse(raw: &RawManifest) -> Result<Self, ImageError> {
        match media_type::document_kind(&raw.media_type) {
            Some(DocumentKind::Manifest) => {
                Manifest::parse(&raw.bytes).map(|manifest| Self::Manifest(Box::new(manifest)))
            }
            Some(DocumentKind::Index) => Index::parse(&raw.bytes).map(Self::Index),
            None => Err(unsupported(&raw.media_type)),
        }
    }
}

impl RawManifest {
    /// Takes a document's bytes as they came. `given` is the media type its source gave; a type that names no document
    /// (`application/octet-stream`, `text/plain`) counts as none, and then the document's own `mediaType`, else its
    /// members, decide. The digest is SHA-256; see [`RawManifest::verified`] where one is expected.
    ///
    /// # Errors
    /// [`ImageError::Unsupported`] for documents of other kinds (Docker's schema 1 among them), [`ImageError::Invalid`]
    /// for bytes that are none.
    pub fn from_bytes(bytes: Vec<u8>, given: Option<&str>) -> Result<Self, ImageError> {
        let known = given.filter(|given| media_type::document_kind(given).is_some());
        let media_type = match known {
            Some(given) => media_type::essence(given).to_owned(),
            None => own_media_type(&bytes)?,
        };
        Ok(Self { digest: Digest::sha256(&bytes), media_type, bytes })
    }

    /// The same for a document that a descriptor points to: its size and digest must be the descriptor's, whose media
    /// type counts.
    ///
    /// # Errors
    /// [`ImageError::SizeMismatch`], [`ImageError::DigestMismatch`], and those of [`RawManifest::from_bytes`].
    pub fn verified(bytes: Vec<u8>, descriptor: &Descriptor) -> Result<Self, ImageError> {
        let what = || format!("manifest {}", descriptor.digest);
        if bytes.len() as u64 != descriptor.size {
            let actual = bytes.len() as u64;
            return Err(ImageError::SizeMismatch { what: what(), expected: descriptor.size, actual });
        }
        let mut hasher = DigestHasher::new(descriptor.digest.algorithm());
        hasher.update(&bytes);
        let actual = hasher.finish();
        if actual != descriptor.digest {
            return Err(ImageError::DigestMismatch { what: what(), expected: descriptor.digest.clone(), actual });
        }
        let raw = Self::from_bytes(bytes, Some(&descriptor.media_type))?;
        Ok(Self { digest: actual, ..raw })
    }
}

fn own_media_type(bytes: &[u8]) -> Result<String, ImageError> {
    let shape: Shape = json::from_slice("image manifest", bytes, MAX_MANIFEST)?;
    let implied = match shape {
        Shape { media_type: Some(own), .. } if media_type::document_kind(&own).is_some() => return Ok(own),
        Shape { media_type: Some(other), .. } => return Err(unsupported(&other)),
        Shape { schema_version: Some(1), .. } => return Err(unsupported("of Docker's schema 1")),
        Shape { manifests: Some(_), config: None, .. } => media_type::OCI_INDEX,
        Shape { config: Some(_), manifests: None, .. } => media_type::OCI_MANIFEST,
        _ => {
            let reason = "neither a manifest nor an index".to_owned();
            return Err(ImageError::Invalid { what: "image manifest".to_owned(), reason });
        }
    };
    Ok(implied.to_owned())
}

fn unsupported(media_type: &str) -> ImageError {
    let feature = format!("manifest type {:?}", media_type.chars().take(200).collect::<String>());
    ImageError::Unsupported { what: "image manifest".to_owned(), feature }
}

/// How deep indexes may stand in indexes.
pub(crate) const MAX_NESTING: usize = 4;

/// The manifest of `source`'s image for `platform`: the top document itself, or the one an index gives.
///
/// # Errors
/// Those of the source, of [`Index::choose`] and of the parsers; [`ImageError::Invalid`] for indexes in indexes beyond
/// four levels.
pub fn resolve(source: &dyn ImageSource, platform: &Platform) -> Result<(RawManifest, Manifest), ImageError> {
    resolve_from(source, source.manifest()?, platform)
}

/// As [`resolve`], from the top document `raw` that was read already.
///
/// # Errors
/// Those of [`resolve`].
pub fn resolve_from(
    source: &dyn ImageSource,
    mut raw: RawManifest,
    platform: &Platform,
) -> Result<(RawManifest, Manifest), ImageError> {
    for _ in 0..MAX_NESTING {
        match Document::parse(&raw)? {
            Document::Manifest(manifest) => return Ok((raw, *manifest)),
            Document::Index(index) => raw = source.manifest_at(index.choose(platform)?)?,
        }
    }
    Err(ImageError::Invalid { what: source.name(), reason: "indexes are nested too deeply".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_found() {
        let kind = |bytes: &[u8], given| RawManifest::from_bytes(bytes.to_vec(), given).map(|raw| raw.media_type);
        assert_eq!(kind(b"{\"config\":{}}", None).unwrap(), media_type::OCI_MANIFEST);
        assert_eq!(kind(b"{\"manifests\":[]}", Some("text/plain")).unwrap(), media_type::OCI_INDEX);
        let docker = format!("{{\"mediaType\":{:?}}}", media_type::DOCKER_MANIFEST);
        assert_eq!(kind(docker.as_bytes(), None).unwrap(), media_type::DOCKER_MANIFEST);
        assert_eq!(kind(b"anything", Some(media_type::DOCKER_MANIFEST)).unwrap(), media_type::DOCKER_MANIFEST);
        for bad in ["{}", "{\"schemaVersion\":1}", "{\"mediaType\":\"x/y\"}", "{\"config\":{},\"manifests\":[]}", "x"] {
            assert!(kind(bad.as_bytes(), None).is_err(), "{bad}");
        }
    }

    #[test]
    fn descriptors_are_checked() {
        let bytes = b"{\"config\":{}}".to_vec();
        let good = Descriptor::new(media_type::OCI_MANIFEST, Digest::sha256(&bytes), bytes.len() as u64);
        assert_eq!(RawManifest::verified(bytes.clone(), &good).unwrap().digest, good.digest);
        let size = Descriptor { size: 3, ..good.clone() };
        assert!(matches!(RawManifest::verified(bytes.clone(), &size), Err(ImageError::SizeMismatch { .. })));
        let digest = Descriptor { digest: Digest::sha256(b""), ..good };
        assert!(matches!(RawManifest::verified(bytes, &digest), Err(ImageError::DigestMismatch { .. })));
    }
}
