//! Compressing a layer anew that its source has uncompressed only.

use std::io::{self, Write};

use crate::descriptor::Descriptor;
use crate::error::ImageError;
use crate::layer::{Compression, LayerWriter, open_layer};
use crate::media_type::LayerCompression;
use crate::source::{ImageSink, ImageSource};

/// Annotations with this beginning say where in the stored bytes a layer's files are.
const OF_STORED_BYTES: &str = "io.github.containers.zstd-chunked.";

/// Writes the layer that `descriptor` names to `sink`, with the kind of compression that its media type says, and gives the
/// descriptor of what was written, with the annotations of the old one.
///
/// # Errors
/// Those of the source, of the sink, and of verification.
pub(crate) fn repack(
    source: &dyn ImageSource,
    sink: &dyn ImageSink,
    descriptor: &Descriptor,
) -> Result<Descriptor, ImageError> {
    let what = format!("layer {}", descriptor.digest);
    let failed = |error| ImageError::from_stream("compressing", &what, error);
    let compression = match LayerCompression::from_media_type(&descriptor.media_type) {
        Some(LayerCompression::None) => Compression::None,
        Some(LayerCompression::Zstd) => "zstd".parse().unwrap_or_default(),
        Some(LayerCompression::Gzip) | None => Compression::default(),
    };
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut layer = open_layer(source, descriptor)?;
    let mut writer = LayerWriter::new(sink.start_blob(None)?, compression, jobs).map_err(failed)?;
    io::copy(&mut layer, &mut writer).map_err(failed)?;
    layer.finish_verified(None)?;
    writer.flush().map_err(failed)?;
    let (written, blob) = writer.finish().map_err(failed)?;
    let mut repacked = written.descriptor();
    blob.commit(&repacked)?;
    repacked.annotations = descriptor.annotations.clone();
    repacked.annotations.retain(|key, _| !key.starts_with(OF_STORED_BYTES));
    Ok(repacked)
}
