//! The documents of an image in the metadata of its merge commit.

use oci_image::source::RawManifest;
use oci_image::{Digest, ImageConfig, Manifest};
use ostree_core::{CommitId, Metadata};

use crate::error::ContainerError;
use crate::keys;

/// What a merge commit says of its image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documents {
    /// The digest of the document that the image's name stood for.
    pub manifest_digest: Digest,
    /// The manifest; from the source's bytes where they were kept, else as it was converted.
    pub manifest: Manifest,
    /// The manifest's bytes as the source had them, where they were kept.
    pub original_manifest: Option<RawManifest>,
    /// The configuration; old commits have none.
    pub config: Option<ImageConfig>,
    /// The configuration's bytes as the source had them, where they were kept.
    pub original_config: Option<Vec<u8>>,
    /// What could not be read and could be done without.
    pub problems: Vec<String>,
}

/// Whether `metadata` is that of an image's merge commit.
pub fn is_image(metadata: &Metadata) -> bool {
    metadata.get_str(keys::MANIFEST_DIGEST).is_some()
}

/// Reads the documents of an image from the metadata of the commit `id`.
///
/// # Errors
/// [`ContainerError::ImageMetadata`] where the digest or the manifest is missing or cannot be read.
pub fn read(id: &CommitId, metadata: &Metadata) -> Result<Documents, ContainerError> {
    let mut problems = Vec::new();
    let manifest_digest = manifest_digest(id, metadata)?;
    let original_manifest = original_manifest(metadata, &mut problems);
    let manifest = match &original_manifest {
        Some((_, manifest)) => manifest.clone(),
        None => converted_manifest(id, metadata)?,
    };
    let (original_config, config) = match original_config(metadata, &mut problems) {
        Some((bytes, config)) => (Some(bytes), Some(config)),
        None => (None, converted_config(metadata, &mut problems)),
    };
    Ok(Documents {
        manifest_digest,
        manifest,
        original_manifest: original_manifest.map(|(raw, _)| raw),
        config,
        original_config,
        problems,
    })
}

fn manifest_digest(id: &CommitId, metadata: &Metadata) -> Result<Digest, ContainerError> {
    let key = keys::MANIFEST_DIGEST;
    let text = metadata.get_str(key).ok_or_else(|| fail(id, key, "missing, so this is no image"))?;
    text.parse().map_err(|problem| fail(id, key, problem))
}

fn converted_manifest(id: &CommitId, metadata: &Metadata) -> Result<Manifest, ContainerError> {
    let key = keys::MANIFEST;
    let text = metadata.get_str(key).ok_or_else(|| fail(id, key, "missing"))?;
    Manifest::parse(text.as_bytes()).map_err(|problem| fail(id, key, problem))
}

fn original_manifest(metadata: &Metadata, problems: &mut Vec<String>) -> Option<(RawManifest, Manifest)> {
    let bytes = metadata.get(keys::ORIGINAL_MANIFEST)?.as_byte_array()?;
    let media_type = metadata.get_str(keys::ORIGINAL_MANIFEST_TYPE);
    let parsed = RawManifest::from_bytes(bytes.to_vec(), media_type)
        .and_then(|raw| Manifest::parse(&raw.bytes).map(|manifest| (raw, manifest)));
    note(keys::ORIGINAL_MANIFEST, parsed, problems)
}

fn original_config(metadata: &Metadata, problems: &mut Vec<String>) -> Option<(Vec<u8>, ImageConfig)> {
    let bytes = metadata.get(keys::ORIGINAL_CONFIG)?.as_byte_array()?;
    let parsed = ImageConfig::parse(bytes).map(|config| (bytes.to_vec(), config));
    note(keys::ORIGINAL_CONFIG, parsed, problems)
}

fn converted_config(metadata: &Metadata, problems: &mut Vec<String>) -> Option<ImageConfig> {
    match metadata.get_str(keys::IMAGE_CONFIG)? {
        // Some writers had none and wrote that down.
        "null" => None,
        text => note(keys::IMAGE_CONFIG, ImageConfig::parse(text.as_bytes()), problems),
    }
}

fn note<T>(key: &str, parsed: Result<T, oci_image::ImageError>, problems: &mut Vec<String>) -> Option<T> {
    parsed.map_err(|problem| problems.push(format!("metadata key {key}: {problem}"))).ok()
}

fn fail(commit: &CommitId, key: &'static str, reason: impl ToString) -> ContainerError {
    ContainerError::ImageMetadata { commit: *commit, key, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_image::{Descriptor, media_type};
    use ostree_core::{Checksum, metadata::RawVariant};

    fn sample() -> (CommitId, Metadata, Manifest) {
        let config = Descriptor::new(media_type::OCI_CONFIG, Digest::sha256(b"c"), 1);
        let manifest = Manifest::new(config, vec![Descriptor::new(media_type::OCI_LAYER, Digest::sha256(b"l"), 1)]);
        let raw = manifest.to_raw().unwrap();
        let text = String::from_utf8(raw.bytes).unwrap();
        let metadata: Metadata = [
            (keys::MANIFEST_DIGEST, RawVariant::string(&raw.digest.to_string())),
            (keys::MANIFEST, RawVariant::string(&text)),
            (keys::IMAGE_CONFIG, RawVariant::string("null")),
        ]
        .into_iter()
        .collect();
        (CommitId::new(Checksum::of(b"commit")), metadata, manifest)
    }

    #[test]
    fn a_config_may_be_null_or_absent_or_broken() {
        let (id, mut metadata, manifest) = sample();
        let read_now = read(&id, &metadata).unwrap();
        assert_eq!((read_now.config, read_now.manifest, read_now.problems.len()), (None, manifest, 0));
        metadata.remove(keys::IMAGE_CONFIG);
        assert_eq!(read(&id, &metadata).unwrap().config, None);
        metadata.push(keys::IMAGE_CONFIG, RawVariant::string("{"));
        assert_eq!(read(&id, &metadata).unwrap().problems.len(), 1);
    }

    #[test]
    fn originals_go_first_unless_they_are_broken() {
        let (id, mut metadata, mut manifest) = sample();
        manifest.media_type = Some(media_type::DOCKER_MANIFEST.to_owned());
        let bytes = serde_json::to_vec_pretty(&manifest).unwrap();
        metadata.push(keys::ORIGINAL_MANIFEST, RawVariant::byte_array(bytes.clone()));
        let read_now = read(&id, &metadata).unwrap();
        assert_eq!((read_now.manifest, read_now.original_manifest.unwrap().bytes), (manifest, bytes));
        metadata.set(keys::ORIGINAL_MANIFEST, RawVariant::byte_array(b"{".to_vec()));
        let read_now = read(&id, &metadata).unwrap();
        assert_eq!(
            (read_now.original_manifest, read_now.manifest.media_type, read_now.problems.len()),
            (None, None, 1)
        );
    }

    #[test]
    fn commits_of_no_image_are_refused() {
        let (id, mut metadata, _) = sample();
        assert!(is_image(&metadata));
        metadata.set(keys::MANIFEST, RawVariant::string("{}"));
        assert!(read(&id, &metadata).is_err());
        metadata.remove(keys::MANIFEST_DIGEST);
        assert!(!is_image(&metadata));
        assert!(matches!(read(&id, &metadata), Err(ContainerError::ImageMetadata { key: keys::MANIFEST_DIGEST, .. })));
    }
}
