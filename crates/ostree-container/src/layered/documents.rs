//! The commits that keep layers and images. They depend on the image alone, never on the day, the host or the order of work.

use std::collections::BTreeMap;

use oci_image::json;
use ostree_core::metadata::{self, RawVariant};
use ostree_core::tree::MutableTree;
use ostree_core::{Commit, CommitId, ObjectKind, StoreError, WriteObject};

use crate::chunk::plain;
use crate::error::ContainerError;
use crate::inspect::ImageInfo;
use crate::keys;
use crate::layered::notes::Notes;

/// Says by which rules layers were read and merged; it changes when the same image would give another commit.
const IMPORTER: &str = "ostree-container-1";

/// What is carried over from the base commit, so that programs that show a deployment's commit find it.
const CARRIED: [&str; 3] = [metadata::VERSION, metadata::BOOTABLE, metadata::LINUX];

fn write(store: &dyn WriteObject, commit: &Commit) -> Result<CommitId, StoreError> {
    Ok(CommitId::new(store.write_metadata(ObjectKind::Commit, &commit.encode(), None)?))
}

/// Writes the commit that keeps a derived layer.
pub fn layer_commit(store: &dyn WriteObject, tree: &MutableTree, notes: &Notes) -> Result<CommitId, ContainerError> {
    let text = json::to_canonical("layer notes", notes)?;
    let metadata = BTreeMap::from([
        (keys::LAYER_NOTES, RawVariant::string(&String::from_utf8_lossy(&text))),
        (keys::IMPORTER_VERSION, RawVariant::string(IMPORTER)),
    ]);
    let metadata = metadata.into_iter().collect();
    let (root_tree, root_meta) = tree.write(store)?;
    Ok(write(store, &plain(metadata, root_tree, root_meta))?)
}

/// What the merge commit of an image is made of.
pub struct Merged<'a> {
    /// The image.
    pub info: &'a ImageInfo,
    /// The commit it encapsulates, if any.
    pub base: Option<(CommitId, &'a Commit)>,
    /// The merged tree.
    pub tree: &'a MutableTree,
}

/// Writes the merge commit of an image.
pub fn merge_commit(store: &dyn WriteObject, merged: &Merged<'_>) -> Result<CommitId, ContainerError> {
    let info = merged.info;
    let text = |what, value: Result<Vec<u8>, _>| -> Result<RawVariant, ContainerError> {
        let bytes: Vec<u8> = value?;
        let text = String::from_utf8(bytes).map_err(|_| ContainerError::Request(format!("{what} is not UTF-8")))?;
        Ok(RawVariant::string(&text))
    };
    let manifest = info.manifest.to_oci();
    let mut values = BTreeMap::from([
        (keys::MANIFEST_DIGEST, RawVariant::string(&info.raw_manifest.digest.to_string())),
        (keys::MANIFEST, text("the manifest", json::to_canonical("image manifest", &manifest))?),
        (keys::IMAGE_CONFIG, text("the configuration", json::to_canonical("image configuration", &info.config))?),
        (keys::IMPORTER_VERSION, RawVariant::string(IMPORTER)),
        (keys::ORIGINAL_MANIFEST, RawVariant::byte_array(info.raw_manifest.bytes.clone())),
        (keys::ORIGINAL_MANIFEST_TYPE, RawVariant::string(&info.raw_manifest.media_type)),
        (keys::ORIGINAL_CONFIG, RawVariant::byte_array(info.raw_config.clone())),
    ]);
    for key in CARRIED {
        if let Some(value) = merged.base.and_then(|(_, commit)| commit.metadata.get(key)) {
            values.insert(key, value.clone());
        }
    }
    let (root_tree, root_meta) = merged.tree.write(store)?;
    let parent = merged.base.map(|(id, _)| id);
    let timestamp = created(info).or(merged.base.map(|(_, commit)| commit.timestamp)).unwrap_or(0);
    Ok(write(store, &Commit { parent, timestamp, ..plain(values.into_iter().collect(), root_tree, root_meta) })?)
}

/// When the image was made, in seconds since 1970: its annotation, else its configuration.
fn created(info: &ImageInfo) -> Option<u64> {
    let annotation = info.manifest.annotations.get(keys::CREATED_ANNOTATION).map(String::as_str);
    let text = annotation.or(info.config.created.as_deref())?;
    let time: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(time.as_second()).ok()
}
