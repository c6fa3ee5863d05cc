//! Writing layers to an image, one after the other, each compressed by several threads.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::num::NonZeroUsize;

use oci_image::layer::{LayerWriter, Workers, WrittenLayer};
use oci_image::{BlobWriter, Compression, Descriptor, Digest, ImageError, ImageSink, again};
use ostree_tar::TarError;

use crate::error::ContainerError;
use crate::progress::{Event, Listener};

/// Produces a layer's uncompressed bytes; must give the same each time it is called.
pub type Produce<'a> = &'a dyn Fn(&mut dyn Write) -> Result<(), TarError>;

/// Writes the layers of one image.
pub struct LayerJob<'a> {
    sink: &'a dyn ImageSink,
    workers: Workers,
    listener: &'a dyn Listener,
    /// The diff-ids of the image that is to be replaced.
    present: BTreeSet<Digest>,
    /// Uncompressed bytes of the layers that are finished.
    done: u64,
    index: usize,
}

impl<'a> LayerJob<'a> {
    /// Begins with the first layer. `jobs` threads compress; one for each processor if not set.
    ///
    /// # Errors
    /// [`ContainerError::WriteLayer`] when there are no more threads to be had.
    pub fn new(
        sink: &'a dyn ImageSink,
        jobs: Option<NonZeroUsize>,
        listener: &'a dyn Listener,
    ) -> Result<Self, ContainerError> {
        let jobs = jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, usize::from);
        let workers = Workers::new(jobs).map_err(|source| ContainerError::WriteLayer {
            layer: "0".into(),
            image: sink.name(),
            source,
        })?;
        let present = sink.diff_ids().into_iter().collect();
        Ok(Self { sink, workers, listener, present, done: 0, index: 0 })
    }

    /// Says that the next layer begins.
    pub fn announce(&mut self, name: &str) {
        self.listener.event(Event::Layer { index: self.index, name: name.to_owned() });
        self.index += 1;
    }

    /// Writes the next layer, unless the image's place has it.
    pub fn write(
        &mut self,
        name: &str,
        compression: Compression,
        produce: Produce<'_>,
    ) -> Result<WrittenLayer, ContainerError> {
        self.announce(name);
        let known = match self.is_expected(name, produce)? {
            // Computing the digest beforehand costs a pass over the objects, and saves sending the layer.
            true => Some(self.compress(name, compression, produce, (io::sink(), true))?.0),
            false => None,
        };
        if let Some(written) = &known
            && self.sink.has_blob(&written.descriptor())?
        {
            self.done += written.uncompressed;
            return Ok(written.clone());
        }
        let descriptor = known.as_ref().map(WrittenLayer::descriptor);
        let written = again_if_lost(|| self.send(name, compression, produce, descriptor.as_ref()))?;
        self.done += written.uncompressed;
        Ok(written)
    }

    /// Writes a layer once.
    fn send(
        &self,
        name: &str,
        compression: Compression,
        produce: Produce<'_>,
        known: Option<&Descriptor>,
    ) -> Result<WrittenLayer, ContainerError> {
        let blob = self.sink.start_blob(known)?;
        let (written, blob) = self.compress(name, compression, produce, (blob, known.is_none()))?;
        blob.commit(&written.descriptor())?;
        Ok(written)
    }

    /// Whether the image that is to be replaced has this layer, so that it is probably there.
    fn is_expected(&self, name: &str, produce: Produce<'_>) -> Result<bool, ContainerError> {
        if self.present.is_empty() {
            return Ok(false);
        }
        let (written, _) = self.compress(name, Compression::None, produce, (io::sink(), false))?;
        Ok(self.present.contains(&written.diff_id))
    }

    /// What a layer would be, without writing it.
    pub fn measure(
        &self,
        name: &str,
        compression: Compression,
        produce: Produce<'_>,
    ) -> Result<WrittenLayer, ContainerError> {
        Ok(self.compress(name, compression, produce, (io::sink(), false))?.0)
    }

    fn compress<W: Write>(
        &self,
        name: &str,
        compression: Compression,
        produce: Produce<'_>,
        (inner, report): (W, bool),
    ) -> Result<(WrittenLayer, W), ContainerError> {
        let failed = |source| ContainerError::WriteLayer { layer: name.to_owned(), image: self.sink.name(), source };
        let writer = LayerWriter::with_workers(inner, compression, &self.workers).map_err(failed)?;
        let mut counting = Counting { writer, listener: report.then_some(self.listener), done: self.done };
        produce(&mut counting).map_err(|source| ContainerError::Layer { layer: name.to_owned(), source })?;
        counting.writer.finish().map_err(failed)
    }
}

/// Writes a layer, and again from its beginning when the place it goes to lost what it had of it.
pub fn again_if_lost<T>(write: impl Fn() -> Result<T, ContainerError>) -> Result<T, ContainerError> {
    again(oci_image::limits::LOST_WRITES, is_lost, write)
}

fn is_lost(error: &ContainerError) -> bool {
    match error {
        // It shows what it holds as its own.
        ContainerError::Image(error) => ImageError::is_lost(error),
        error => ImageError::is_lost(error),
    }
}

/// Reports the bytes that pass through.
struct Counting<'a, W: Write> {
    writer: LayerWriter<W>,
    listener: Option<&'a dyn Listener>,
    done: u64,
}

impl<W: Write> Write for Counting<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.done += written as u64;
        if let Some(listener) = self.listener {
            listener.event(Event::Bytes(self.done));
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Stores bytes whose digest is known, unless the sink has them.
pub fn put_bytes(sink: &dyn ImageSink, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), ContainerError> {
    if sink.has_blob(descriptor)? {
        return Ok(());
    }
    let mut blob: Box<dyn BlobWriter> = sink.start_blob(Some(descriptor))?;
    blob.write_all(bytes).map_err(|source| ContainerError::WriteLayer {
        layer: descriptor.digest.to_string(),
        image: sink.name(),
        source,
    })?;
    Ok(blob.commit(descriptor)?)
}
