//! The configuration and the manifest of an image.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oci_image::config::{History, ImageConfig, RootFs};
use oci_image::manifest::Manifest;
use oci_image::platform::Platform;
use oci_image::{Descriptor, Digest, ImageSink, RawManifest};
use ostree_core::Commit;
use ostree_core::metadata::CONTAINER_CMD;

use crate::encapsulate::layers::ImageLayer;
use crate::encapsulate::options::EncapsulateOptions;
use crate::error::ContainerError;
use crate::keys::FINAL_DIFFID_LABEL;
use crate::write_layer::put_bytes;

/// What remains to be stored once all layers are.
pub struct Documents {
    config: (Vec<u8>, Descriptor),
    manifest: RawManifest,
}

/// Makes the configuration and the manifest of an image of these layers.
pub fn documents(
    commit: &Commit,
    mut labels: BTreeMap<String, String>,
    platform: Platform,
    layers: &[ImageLayer],
    options: &EncapsulateOptions,
) -> Result<Documents, ContainerError> {
    if let Some(last) = layers.last() {
        labels.insert(FINAL_DIFFID_LABEL.into(), last.written.diff_id.to_string());
    }
    let created = created(commit, options)?;
    let mut container = options.config.clone().unwrap_or_default();
    container.labels.extend(labels.clone());
    if let Some(cmd) = options.cmd.clone().or_else(|| commit.metadata.get_strings(CONTAINER_CMD)) {
        container.cmd = Some(cmd);
    }
    let mut config = ImageConfig {
        created: Some(created.clone()),
        config: Some(container),
        rootfs: RootFs {
            diff_ids: layers.iter().map(|layer| layer.written.diff_id.clone()).collect(),
            ..RootFs::default()
        },
        architecture: platform.architecture,
        os: platform.os,
        history: layers.iter().map(|layer| history(layer, &created)).collect(),
        ..ImageConfig::default()
    };
    if let Some(variant) = platform.variant {
        config.extra.insert("variant".into(), variant.into());
    }
    let config = config.to_blob()?;
    let descriptors = layers.iter().map(|layer| {
        let mut descriptor = layer.written.descriptor();
        descriptor.annotations = layer.annotations.clone();
        descriptor
    });
    let mut manifest = Manifest::new(config.1.clone(), descriptors.collect());
    manifest.annotations = labels;
    Ok(Documents { config, manifest: manifest.to_raw()? })
}

/// Stores the configuration, then the manifest, under the image's name.
pub fn store(sink: &dyn ImageSink, documents: &Documents) -> Result<Digest, ContainerError> {
    let (bytes, descriptor) = &documents.config;
    put_bytes(sink, descriptor, bytes)?;
    Ok(sink.finish(&documents.manifest)?)
}

fn history(layer: &ImageLayer, created: &str) -> History {
    History { created: Some(created.to_owned()), created_by: Some(layer.created_by.clone()), ..History::default() }
}

/// The time the image is said to be made: the caller's, else the content metadata's, else the commit's.
pub fn created(commit: &Commit, options: &EncapsulateOptions) -> Result<String, ContainerError> {
    let given = options.created.as_ref().or_else(|| options.content.as_ref()?.created.as_ref());
    match given {
        Some(text) => {
            let parsed = text.parse::<Timestamp>();
            parsed.map_err(|e| ContainerError::Request(format!("creation time {text:?}: {e}")))?;
            Ok(text.clone())
        }
        None => i64::try_from(commit.timestamp)
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .map(|time| time.to_string())
            .ok_or_else(|| ContainerError::Request(format!("commit timestamp {} is out of range", commit.timestamp))),
    }
}
