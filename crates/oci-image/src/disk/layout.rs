//! The parts of the OCI image layout that a directory and an archive of one share.

use crate::config::ImageConfig;
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::ImageError;
use crate::index::{Index, list};
use crate::json;
use crate::keys::REF_NAME;
use crate::manifest::Manifest;
use crate::media_type::{self, DocumentKind};
use crate::platform::Platform;
use crate::source::RawManifest;

/// The file that marks a layout.
pub(super) const MARK: &str = "oci-layout";
/// What our mark says.
pub(super) const MARK_CONTENT: &[u8] = b"{\"imageLayoutVersion\":\"1.0.0\"}";
/// The list of images.
pub(super) const INDEX: &str = "index.json";
/// Bytes of a mark; real ones hold some thirty.
pub(super) const MARK_LIMIT: u64 = 4096;

/// Where a blob is, relative to the layout.
pub(super) fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
}

/// Checks the mark's content; `None` when the file is not there.
pub(super) fn check_mark(mark: Option<&[u8]>, place: &str) -> Result<(), ImageError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Mark {
        image_layout_version: String,
    }
    let mark =
        mark.ok_or_else(|| ImageError::NotFound { what: "file oci-layout".to_owned(), place: place.to_owned() })?;
    let mark: Mark = json::from_slice("file oci-layout", mark, MARK_LIMIT)?;
    if mark.image_layout_version.starts_with("1.") {
        return Ok(());
    }
    let feature = format!("image layout version {:?}", mark.image_layout_version);
    Err(ImageError::Unsupported { what: place.to_owned(), feature })
}

/// The entry of that name; without a name the only entry there is.
pub(super) fn choose_entry<'a>(index: &'a Index, tag: Option<&str>, place: &str) -> Result<&'a Descriptor, ImageError> {
    let names = || list(&index.manifests.iter().take(20).filter_map(entry_name).map(str::to_owned).collect::<Vec<_>>());
    match (tag, index.manifests.as_slice()) {
        (Some(tag), entries) => entries.iter().find(|entry| entry_name(entry) == Some(tag)).ok_or_else(|| {
            ImageError::NotFound { what: format!("image {tag:?}"), place: format!("{place}, which has {}", names()) }
        }),
        (None, [only]) => Ok(only),
        (None, []) => Err(ImageError::NotFound { what: "any image".to_owned(), place: place.to_owned() }),
        (None, entries) => {
            let reason = format!("{} images are here, so one must be named, of {}", entries.len(), names());
            Err(ImageError::Invalid { what: place.to_owned(), reason })
        }
    }
}

fn entry_name(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(REF_NAME).map(String::as_str)
}

/// The index entry of a top document. `config` reads a configuration that is already stored, for the platform.
pub(super) fn entry_of(
    raw: &RawManifest,
    tag: Option<&str>,
    config: impl FnOnce(&Descriptor) -> Option<Vec<u8>>,
) -> Result<Descriptor, ImageError> {
    let mut entry = Descriptor::new(&raw.media_type, raw.digest.clone(), raw.bytes.len() as u64);
    if let Some(tag) = tag {
        entry.annotations.insert(REF_NAME.to_owned(), tag.to_owned());
    }
    if media_type::document_kind(&raw.media_type) == Some(DocumentKind::Manifest) {
        let manifest = Manifest::parse(&raw.bytes)?;
        if let Some(platform) = config(&manifest.config).and_then(|bytes| config_platform(&bytes)) {
            entry = entry.with_platform(&platform);
        }
    }
    Ok(entry)
}

fn config_platform(bytes: &[u8]) -> Option<Platform> {
    let platform = ImageConfig::parse(bytes).ok()?.platform();
    (!platform.architecture.is_empty() && !platform.os.is_empty()).then_some(platform)
}

/// Puts `entry` into the index: with a tag beside the others, in place of one of the same name; without one alone.
pub(super) fn place_entry(existing: Option<Index>, entry: Descriptor) -> Index {
    let name = entry_name(&entry).map(str::to_owned);
    match (existing, name) {
        (Some(mut index), Some(name)) => {
            index.manifests.retain(|other| entry_name(other) != Some(name.as_str()));
            index.manifests.push(entry);
            index
        }
        _ => Index::new(vec![entry]),
    }
}
