//! New detached metadata for the commit in an image: its first layer rewritten, everything else taken over.

use std::io::{self, Write};
use std::num::NonZeroUsize;

use oci_image::copy::{copy_layer, put_blob};
use oci_image::layer::{LayerWriter, WrittenLayer, open_layer};
use oci_image::media_type::{self, LayerCompression};
use oci_image::{
    Compression, Digest, ImageConfig, ImageSink, ImageSource, Manifest, Platform, Stop, default_jobs, each,
};
use ostree_core::Metadata;
use ostree_tar::replace_detached;

use crate::copied::Copied;
use crate::error::ContainerError;
use crate::inspect::{ImageInfo, inspect};
use crate::keys::FINAL_DIFFID_LABEL;
use crate::limits::MAX_DETACHED;
use crate::progress::{Event, Listener};
use crate::pull::received::bytes_of;
use crate::shape::{Layer, Shape};
use crate::write_layer::again_if_lost;

/// How the detached metadata of an image's commit is replaced.
#[derive(Debug, Clone, Default)]
pub struct DetachOptions {
    /// Which image of an index to take; this machine's where `None`.
    pub platform: Option<Platform>,
    /// How many threads compress; one for each processor where `None`.
    pub jobs: Option<NonZeroUsize>,
}

/// Writes the image of `source` to `sink` with `contents`, a serialised `a{sv}`, as the commit's detached metadata; without
/// any where `None`. The layer keeps its kind of compression, and the labels that name it follow. Layers go over as they
/// are, each verified. Gives the digest of the new manifest.
///
/// # Errors
/// [`ContainerError::NotEncapsulated`] for an image without a commit, [`ContainerError::Request`] for contents that are no
/// metadata, and those of source, sink and layer.
pub fn replace_detached_metadata(
    source: &dyn ImageSource,
    sink: &dyn ImageSink,
    contents: Option<&[u8]>,
    options: &DetachOptions,
    listener: &dyn Listener,
) -> Result<Digest, ContainerError> {
    check(contents)?;
    let ImageInfo { mut manifest, mut config, .. } =
        inspect(source, &options.platform.clone().unwrap_or_else(Platform::host))?;
    let shape = Shape::of(&manifest, &config)?;
    let old = &shape.require_base()?.commit;
    let bytes = bytes_of(source, manifest.layers.iter());
    listener.event(Event::Start { task: "copying", bytes, layers: manifest.layers.len() });
    let copied = Copied::new(source, listener);
    let first = (0, &old.descriptor);
    let written = copied.layer(first, |source| again_if_lost(|| rewrite(source, sink, old, contents, options)))?;
    let (stop, upper) = (Stop::default(), manifest.layers.split_off(1.min(manifest.layers.len())));
    let upper = each(sink.blobs_at_once(), &upper, &|| stop.now(), |index, layer| {
        copied.layer((index + 1, layer), |source| copy_layer(source, sink, layer, &stop))
    })?;
    manifest.layers.extend(upper);
    listener.event(Event::Finishing);
    let mut manifest = manifest.to_oci();
    splice(&mut manifest, &mut config, old, &written);
    let (bytes, _) = config.to_blob()?;
    manifest.config = put_blob(sink, media_type::OCI_CONFIG, &bytes)?;
    let digest = sink.finish(&manifest.to_raw()?)?;
    listener.event(Event::Done);
    Ok(digest)
}

/// An importer would refuse anything else, and only then would it be noticed.
fn check(contents: Option<&[u8]>) -> Result<(), ContainerError> {
    let Some(bytes) = contents else { return Ok(()) };
    if bytes.len() as u64 > MAX_DETACHED {
        let message = format!("{} bytes of detached metadata are more than the limit of {MAX_DETACHED}", bytes.len());
        return Err(ContainerError::Request(message));
    }
    match Metadata::decode(bytes) {
        Ok(_) => Ok(()),
        Err(problem) => Err(ContainerError::Request(format!("the new detached metadata is not usable: {problem}"))),
    }
}

/// Streams the commit's layer from the source into the sink.
fn rewrite(
    source: &dyn ImageSource,
    sink: &dyn ImageSink,
    old: &Layer,
    contents: Option<&[u8]>,
    options: &DetachOptions,
) -> Result<WrittenLayer, ContainerError> {
    let name = old.descriptor.digest.to_string();
    let failed = |source: io::Error| ContainerError::WriteLayer { layer: name.clone(), image: sink.name(), source };
    let mut layer = open_layer(source, &old.descriptor)?;
    let kept = match source.stored_as(&old.descriptor)? == old.descriptor {
        true => Some(layer.compression()),
        false => LayerCompression::from_media_type(&old.descriptor.media_type),
    };
    let compression = match kept.unwrap_or(LayerCompression::Gzip) {
        LayerCompression::None => Compression::None,
        LayerCompression::Gzip => Compression::default(),
        LayerCompression::Zstd => "zstd".parse().unwrap_or_default(),
    };
    let jobs = options.jobs.unwrap_or_else(default_jobs).get();
    let mut writer = LayerWriter::new(sink.start_blob(None)?, compression, jobs).map_err(failed)?;
    let replaced = replace_detached(&mut layer, &mut writer, contents);
    replaced.map_err(|source| ContainerError::Layer { layer: name.clone(), source })?;
    layer.finish_verified(Some(&old.diff_id))?;
    writer.flush().map_err(failed)?;
    let (written, blob) = writer.finish().map_err(failed)?;
    blob.commit(&written.descriptor())?;
    Ok(written)
}

/// Puts the new layer in the place of the old one, also where a label or annotation names it.
fn splice(manifest: &mut Manifest, config: &mut ImageConfig, old: &Layer, written: &WrittenLayer) {
    if let Some(layer) = manifest.layers.first_mut() {
        let annotations = std::mem::take(&mut layer.annotations);
        *layer = written.descriptor();
        layer.annotations = annotations;
    }
    if let Some(diff_id) = config.rootfs.diff_ids.first_mut() {
        *diff_id = written.diff_id.clone();
    }
    let (before, after) = (old.diff_id.to_string(), written.diff_id.to_string());
    let labels = config.config.iter_mut().filter_map(|config| config.labels.get_mut(FINAL_DIFFID_LABEL));
    for value in labels.chain(manifest.annotations.get_mut(FINAL_DIFFID_LABEL)) {
        if *value == before {
            value.clone_from(&after);
        }
    }
}
