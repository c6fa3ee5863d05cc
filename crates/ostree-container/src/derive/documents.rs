//! The configuration and the manifest of an image that stands on another.

use std::collections::BTreeMap;

use oci_image::config::History;
use oci_image::layer::WrittenLayer;
use oci_image::{Digest, ImageReference, ImageSink, Transport};
use ostree_core::metadata::CONTAINER_CMD;
use ostree_core::{Commit, CommitId};

use crate::encapsulate::{EncapsulateOptions, created};
use crate::error::ContainerError;
use crate::inspect::ImageInfo;
use crate::keys::{
    BASE_DIGEST_ANNOTATION, BASE_NAME_ANNOTATION, BOOTABLE_LABEL, BOOTC_LABEL, COMMIT_LABEL, CREATED_ANNOTATION,
    FINAL_DIFFID_LABEL, LINUX_LABEL, TREE_COMMIT_LABEL, VERSION_LABEL,
};
use crate::write_layer::put_bytes;

/// What the parent's labels say of its own content, and the new content says of itself.
const OF_CONTENT: [&str; 5] = [BOOTABLE_LABEL, BOOTC_LABEL, LINUX_LABEL, VERSION_LABEL, TREE_COMMIT_LABEL];
/// What must stay as the parent has it, because importers find the parent's commit by it.
const OF_PARENT: [&str; 2] = [COMMIT_LABEL, FINAL_DIFFID_LABEL];

/// What was added to the parent.
pub struct Made<'a> {
    /// The commit.
    pub id: &'a CommitId,
    /// The commit.
    pub commit: &'a Commit,
    /// The labels that an encapsulated image of it would have.
    pub labels: BTreeMap<String, String>,
    /// Its layer, if there is one.
    pub layer: Option<&'a WrittenLayer>,
}

/// Stores the configuration, then the manifest, under the image's name.
pub fn store(
    sink: &dyn ImageSink,
    (parent, name): (&ImageInfo, &ImageReference),
    made: &Made<'_>,
    options: &EncapsulateOptions,
) -> Result<Digest, ContainerError> {
    let created = created(made.commit, options)?;
    let mut config = parent.config.clone();
    let old = config.config.take().unwrap_or_default();
    let mut container = options.config.clone().unwrap_or_else(|| old.clone());
    container.labels.extend(labels(old.labels, made));
    if let Some(cmd) = options.cmd.clone().or_else(|| made.commit.metadata.get_strings(CONTAINER_CMD)) {
        container.cmd = Some(cmd);
    }
    config.config = Some(container);
    config.created = Some(created.clone());
    config.history.push(History {
        created: Some(created),
        created_by: Some(created_by(made)),
        empty_layer: made.layer.is_none(),
        ..History::default()
    });
    let mut manifest = parent.manifest.to_oci();
    let mut annotations = std::mem::take(&mut manifest.annotations);
    annotations.remove(CREATED_ANNOTATION);
    manifest.annotations = labels(annotations, made);
    manifest.annotations.insert(BASE_DIGEST_ANNOTATION.into(), parent.raw_manifest.digest.to_string());
    manifest.annotations.remove(BASE_NAME_ANNOTATION);
    if name.transport == Transport::Registry {
        manifest.annotations.insert(BASE_NAME_ANNOTATION.into(), name.name.clone());
    }
    if let Some(layer) = made.layer {
        config.rootfs.diff_ids.push(layer.diff_id.clone());
        manifest.layers.push(layer.descriptor());
    }
    let (bytes, descriptor) = config.to_blob()?;
    put_bytes(sink, &descriptor, &bytes)?;
    manifest.config = descriptor;
    Ok(sink.finish(&manifest.to_raw()?)?)
}

fn created_by(made: &Made<'_>) -> String {
    match made.commit.subject.as_str() {
        "" => format!("ostree export of commit {}", made.id),
        subject => subject.to_owned(),
    }
}

/// The parent's labels (or annotations) with what the commit says in the place of what the parent said of its content.
fn labels(mut of: BTreeMap<String, String>, made: &Made<'_>) -> BTreeMap<String, String> {
    for key in OF_CONTENT {
        of.remove(key);
    }
    let new = made.labels.iter().filter(|(key, _)| !OF_PARENT.contains(&key.as_str()));
    of.extend(new.map(|(key, value)| (key.clone(), value.clone())));
    of.insert(TREE_COMMIT_LABEL.into(), made.id.to_string());
    of
}
