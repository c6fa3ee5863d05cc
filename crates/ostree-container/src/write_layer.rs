//! Writing layers to an image, as many at once as its place takes, each compressed by several threads.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use oci_image::layer::{LayerWriter, Workers, WrittenLayer};
use oci_image::{BlobWriter, Compression, Descriptor, Digest, ImageError, ImageSink, Stop, again, default_jobs, each};
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
    /// Uncompressed bytes that were written, of all layers.
    done: AtomicU64,
    stop: Stop,
}

impl<'a> LayerJob<'a> {
    /// Begins. `jobs` threads compress; one for each processor if not set.
    ///
    /// # Errors
    /// [`ContainerError::WriteLayer`] when there are no more threads to be had.
    pub fn new(
        sink: &'a dyn ImageSink,
        jobs: Option<NonZeroUsize>,
        listener: &'a dyn Listener,
    ) -> Result<Self, ContainerError> {
        let workers = Workers::new(jobs.unwrap_or_else(default_jobs).get())
            .map_err(|source| ContainerError::WriteLayer { layer: "0".into(), image: sink.name(), source })?;
        let present = sink.diff_ids().into_iter().collect();
        Ok(Self { sink, workers, listener, present, done: AtomicU64::new(0), stop: Stop::default() })
    }

    /// Does `work` with every item, the image's layers, with as many at once as its place takes. Gives the results in their
    /// order.
    ///
    /// # Errors
    /// The first one; the others stop then.
    pub fn each<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(usize, &T) -> Result<R, ContainerError> + Sync,
    ) -> Result<Vec<R>, ContainerError> {
        each(self.sink.blobs_at_once(), items, &|| self.stop.now(), work)
    }

    /// What tells that another layer failed.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Says that the layer at `index` need not be written.
    pub fn at_hand(&self, index: usize, name: &str, size: u64) {
        self.announce(index, name);
        self.ended(index, size);
    }

    fn announce(&self, index: usize, name: &str) {
        self.listener.event(Event::Layer { index, name: name.to_owned() });
    }

    /// Says that all of a layer's bytes are done; how many there are is known only now.
    fn ended(&self, index: usize, size: u64) {
        self.listener.event(Event::LayerBytes { index, bytes: size, size });
    }

    /// Writes the layer at `index`, unless the image's place has it.
    pub fn write(
        &self,
        (index, name): (usize, &str),
        compression: Compression,
        produce: Produce<'_>,
    ) -> Result<WrittenLayer, ContainerError> {
        self.announce(index, name);
        let written = self.write_shown((index, name), compression, produce)?;
        self.ended(index, written.uncompressed);
        Ok(written)
    }

    fn write_shown(
        &self,
        (index, name): (usize, &str),
        compression: Compression,
        produce: Produce<'_>,
    ) -> Result<WrittenLayer, ContainerError> {
        let known = match self.is_expected(name, produce)? {
            // Computing the digest beforehand costs a pass over the objects, and saves sending the layer.
            true => Some(self.compress(name, compression, produce, (io::sink(), Some(index)))?.0),
            false => None,
        };
        if let Some(written) = &known
            && self.sink.has_blob(&written.descriptor())?
        {
            return Ok(written.clone());
        }
        let descriptor = known.as_ref().map(WrittenLayer::descriptor);
        again_if_lost(|| self.send((index, name), compression, produce, descriptor.as_ref()))
    }

    /// Writes a layer once.
    fn send(
        &self,
        (index, name): (usize, &str),
        compression: Compression,
        produce: Produce<'_>,
        known: Option<&Descriptor>,
    ) -> Result<WrittenLayer, ContainerError> {
        let blob = self.sink.start_blob(known)?;
        let (written, blob) = self.compress(name, compression, produce, (blob, known.is_none().then_some(index)))?;
        blob.commit(&written.descriptor())?;
        Ok(written)
    }

    /// Whether the image that is to be replaced has this layer, so that it is probably there.
    fn is_expected(&self, name: &str, produce: Produce<'_>) -> Result<bool, ContainerError> {
        if self.present.is_empty() {
            return Ok(false);
        }
        let (written, _) = self.compress(name, Compression::None, produce, (io::sink(), None))?;
        Ok(self.present.contains(&written.diff_id))
    }

    /// What a layer would be, without writing it.
    pub fn measure(
        &self,
        name: &str,
        compression: Compression,
        produce: Produce<'_>,
    ) -> Result<WrittenLayer, ContainerError> {
        Ok(self.compress(name, compression, produce, (io::sink(), None))?.0)
    }

    /// Writes a layer to `inner`; where an index is given, as progress with the layer there.
    fn compress<W: Write>(
        &self,
        name: &str,
        compression: Compression,
        produce: Produce<'_>,
        (inner, shown): (W, Option<usize>),
    ) -> Result<(WrittenLayer, W), ContainerError> {
        let failed = |source| ContainerError::WriteLayer { layer: name.to_owned(), image: self.sink.name(), source };
        let writer = LayerWriter::with_workers(inner, compression, &self.workers).map_err(failed)?;
        let mut counting = Counting { writer, job: self, shown, counted: 0 };
        match produce(&mut counting) {
            Ok(()) => counting.writer.finish().map_err(failed),
            Err(source) => {
                // It may be written again.
                self.done.fetch_sub(counting.counted, Ordering::Relaxed);
                Err(ContainerError::Layer { layer: name.to_owned(), source })
            }
        }
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

/// Reports the bytes that pass through, until another layer fails.
struct Counting<'a, W: Write> {
    writer: LayerWriter<W>,
    job: &'a LayerJob<'a>,
    /// Which layer it is, if it is to be reported.
    shown: Option<usize>,
    /// What this one added to the job's bytes.
    counted: u64,
}

impl<W: Write> Write for Counting<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.job.stop.check()?;
        let written = self.writer.write(bytes)?;
        if let Some(index) = self.shown {
            let new = written as u64;
            self.counted += new;
            let done = self.job.done.fetch_add(new, Ordering::Relaxed) + new;
            self.job.listener.event(Event::LayerBytes { index, bytes: self.counted, size: 0 });
            self.job.listener.event(Event::Bytes(done));
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
