//! Copying an image from any source to any sink, every blob verified on the way.

use std::io::{self, Read, Write};

use crate::again::again;
use crate::blob::VerifyReader;
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::document::{Document, resolve};
use crate::each::{Stop, each};
use crate::error::ImageError;
use crate::index::Index;
use crate::limits;
use crate::manifest::Manifest;
use crate::platform::Platform;
use crate::repack::repack;
use crate::source::{ImageSink, ImageSource, RawManifest};

/// Bytes copied at once.
const BUFFER: usize = 256 * 1024;

/// Which of an index's images to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All of them, and the index.
    All,
    /// The one for this platform, without the index.
    Platform(Platform),
}

/// Copies an image. Blobs the sink has are not read; manifests keep their bytes, unless the source has its layers in another
/// form than the one its manifest names: then the image is written with layers compressed anew. Gives the digest of the top
/// document as the sink stored it.
///
/// # Errors
/// Those of the source, of the sink, and of verification.
pub fn copy(source: &dyn ImageSource, sink: &dyn ImageSink, which: &Which) -> Result<Digest, ImageError> {
    let top = match which {
        Which::All => source.manifest()?,
        Which::Platform(platform) => resolve(source, platform)?.0,
    };
    let changed = copy_document(source, sink, &top, 0)?;
    sink.finish(changed.as_ref().unwrap_or(&top))
}

/// Copies everything a document needs but not the document itself. Gives the one that is to stand in its place, if it cannot
/// stay as it is.
fn copy_document(
    source: &dyn ImageSource,
    sink: &dyn ImageSink,
    raw: &RawManifest,
    depth: usize,
) -> Result<Option<RawManifest>, ImageError> {
    match Document::parse(raw)? {
        Document::Manifest(manifest) => copy_blobs(source, sink, &manifest),
        Document::Index(index) => copy_index(source, sink, &index, depth).map(|()| None),
    }
}

fn copy_index(source: &dyn ImageSource, sink: &dyn ImageSink, index: &Index, depth: usize) -> Result<(), ImageError> {
    if depth >= crate::document::MAX_NESTING {
        return Err(ImageError::Invalid { what: source.name(), reason: "indexes are nested too deeply".to_owned() });
    }
    for entry in &index.manifests {
        let member = source.manifest_at(entry)?;
        if copy_document(source, sink, &member, depth + 1)?.is_some() {
            let feature = "index of images whose layers are not there as they were (choose one platform)".to_owned();
            return Err(ImageError::Unsupported { what: source.name(), feature });
        }
        sink.put_manifest(&member)?;
    }
    Ok(())
}

fn copy_blobs(
    source: &dyn ImageSource,
    sink: &dyn ImageSink,
    manifest: &Manifest,
) -> Result<Option<RawManifest>, ImageError> {
    let stop = Stop::default();
    let copied = each(sink.blobs_at_once(), &manifest.layers, &|| stop.now(), |_, layer| {
        copy_layer(source, sink, layer, &stop)
    })?;
    copy_blob(source, sink, &manifest.config, &stop)?;
    match copied == manifest.layers {
        true => Ok(None),
        false => Manifest { layers: copied, ..manifest.clone() }.to_oci().to_raw().map(Some),
    }
}

/// Copies a layer as [`copy_blob`] does, and gives its descriptor. Where the source has it in another form than the one the
/// descriptor names, and the sink does not have it at all, it is compressed anew, and the descriptor is another one.
///
/// # Errors
/// Those of the source, of the sink, and of verification, and that of `stop`.
pub fn copy_layer(
    source: &dyn ImageSource,
    sink: &dyn ImageSink,
    descriptor: &Descriptor,
    stop: &Stop,
) -> Result<Descriptor, ImageError> {
    if source.stored_as(descriptor)? == *descriptor {
        copy_blob(source, sink, descriptor, stop)?;
    } else if !sink.has_blob(descriptor)? {
        return patiently(|| repack((source, descriptor), sink, stop));
    }
    Ok(descriptor.clone())
}

/// Copies one blob unless the sink has it. It is verified before the sink is told that it is complete.
///
/// # Errors
/// Those of the source, of the sink, and of verification, and that of `stop`.
pub fn copy_blob(
    source: &dyn ImageSource,
    sink: &dyn ImageSink,
    descriptor: &Descriptor,
    stop: &Stop,
) -> Result<(), ImageError> {
    if sink.has_blob(descriptor)? {
        return Ok(());
    }
    patiently(|| send_blob((source, descriptor), sink, stop))
}

/// Sends a blob, and a few times more if the place it goes to lost it.
fn patiently<T>(send: impl Fn() -> Result<T, ImageError>) -> Result<T, ImageError> {
    again(limits::LOST_WRITES, |error| matches!(error, ImageError::Lost { .. }), send)
}

fn send_blob(
    (source, descriptor): (&dyn ImageSource, &Descriptor),
    sink: &dyn ImageSink,
    stop: &Stop,
) -> Result<(), ImageError> {
    let what = format!("blob {}", descriptor.digest);
    let mut reader = VerifyReader::new(source.blob(descriptor)?, descriptor, what.clone());
    let mut writer = sink.start_blob(Some(descriptor))?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let got = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(ImageError::from_stream("reading", &what, error)),
        };
        let bytes = buffer.get(..got).unwrap_or_default();
        stop.check()
            .and_then(|()| writer.write_all(bytes))
            .map_err(|error| ImageError::from_stream("writing", &what, error))?;
    }
    reader.finish()?;
    writer.commit(descriptor)
}

/// Stores bytes that are at hand (a configuration) as a blob and gives its descriptor. Nothing is sent when the sink has
/// it.
///
/// # Errors
/// Those of the sink.
pub fn put_blob(sink: &dyn ImageSink, media_type: &str, bytes: &[u8]) -> Result<Descriptor, ImageError> {
    let descriptor = Descriptor::new(media_type, Digest::sha256(bytes), bytes.len() as u64);
    if !sink.has_blob(&descriptor)? {
        let mut writer = sink.start_blob(Some(&descriptor))?;
        let what = format!("blob {}", descriptor.digest);
        writer.write_all(bytes).map_err(|error| ImageError::from_stream("writing", &what, error))?;
        writer.commit(&descriptor)?;
    }
    Ok(descriptor)
}
