//! Compressing a layer anew that its source has uncompressed only.

use std::io::{self, Read, Write};

use crate::descriptor::Descriptor;
use crate::each::{Stop, default_jobs};
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
/// Those of the source, of the sink, and of verification, and that of `stop`.
pub(crate) fn repack(
    (source, descriptor): (&dyn ImageSource, &Descriptor),
    sink: &dyn ImageSink,
    stop: &Stop,
) -> Result<Descriptor, ImageError> {
    let what = format!("layer {}", descriptor.digest);
    let failed = |error| ImageError::from_stream("compressing", &what, error);
    let compression = match LayerCompression::from_media_type(&descriptor.media_type) {
        Some(LayerCompression::None) => Compression::None,
        Some(LayerCompression::Zstd) => "zstd".parse().unwrap_or_default(),
        Some(LayerCompression::Gzip) | None => Compression::default(),
    };
    let mut layer = open_layer(source, descriptor)?;
    let mut writer = LayerWriter::new(sink.start_blob(None)?, compression, default_jobs().get()).map_err(failed)?;
    io::copy(&mut Until(&mut layer, stop), &mut writer).map_err(failed)?;
    layer.finish_verified(None)?;
    writer.flush().map_err(failed)?;
    let (written, blob) = writer.finish().map_err(failed)?;
    let mut repacked = written.descriptor();
    blob.commit(&repacked)?;
    repacked.annotations = descriptor.annotations.clone();
    repacked.annotations.retain(|key, _| !key.starts_with(OF_STORED_BYTES));
    Ok(repacked)
}

/// Reads until somebody else has failed.
struct Until<'a, R>(&'a mut R, &'a Stop);

impl<R: Read> Read for Until<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1.check()?;
        self.0.read(buffer)
    }
}
