//! Counting the bytes that come from a source, and stopping them.

use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use oci_image::blob::VerifyReader;
use oci_image::layer::LayerReader;
use oci_image::{Descriptor, ImageError, ImageSource};

use crate::error::ContainerError;
use crate::progress::{Event, Listener};
use crate::pull::ahead::Ahead;

/// How many blobs are fetched at a time where nobody said. This does not follow the processors: it hides waiting times.
pub const PARALLEL_FETCHES: usize = 8;

/// How many bytes reading some layers takes: of the form in which the source has them, where that is known.
pub fn bytes_of<'a>(source: &dyn ImageSource, layers: impl Iterator<Item = &'a Descriptor>) -> u64 {
    layers.map(|layer| source.stored_as(layer).map_or(layer.size, |stored| stored.size)).sum()
}

/// A source whose layers are reported to a listener while they are read.
pub struct Received<'a> {
    ahead: Ahead<'a>,
    /// The positions in the image of the layers that are opened ahead, in order.
    positions: Vec<usize>,
    listener: &'a dyn Listener,
    /// The bytes of all blobs so far.
    bytes: AtomicU64,
    stopped: AtomicBool,
}

impl<'a> Received<'a> {
    /// The layers that will be read from `source`, each with its position in the image, up to `parallel` fetched at a time.
    pub fn new(
        source: &'a dyn ImageSource,
        listener: &'a dyn Listener,
        layers: &[(usize, &'a Descriptor)],
        parallel: Option<NonZeroUsize>,
    ) -> Self {
        let (positions, wanted) = layers.iter().copied().unzip();
        let ahead = Ahead::new(source, wanted, parallel.map_or(PARALLEL_FETCHES, NonZeroUsize::get));
        Self { ahead, positions, listener, bytes: AtomicU64::new(0), stopped: AtomicBool::new(false) }
    }

    /// Does `work`, which reads the layers, while others are opened.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        self.ahead.run(work)
    }

    /// Opens the layer at position `index`, verified while it is read, whose stored bytes are counted.
    pub fn open_layer(&'a self, index: usize, descriptor: &Descriptor) -> Result<CountedLayer<'a>, ImageError> {
        self.listener.event(Event::Layer { index, name: descriptor.digest.to_string() });
        let what = format!("layer {}", descriptor.digest);
        let blob = match self.positions.iter().position(|position| *position == index) {
            Some(slot) => self.ahead.take(slot)?,
            None => self.ahead.source().blob(descriptor)?,
        };
        let stored = self.ahead.source().stored_as(descriptor)?;
        let counted = Counted { blob, source: self, index, bytes: 0, size: stored.size };
        let blob = VerifyReader::new(counted, &stored, what.clone());
        LayerReader::new(blob, &stored.media_type, what)
    }

    /// Reads a layer with `read`, and once more if its bytes were damaged: the network may be at fault, not the image.
    pub fn twice<T>(&self, read: impl Fn() -> Result<T, ContainerError>) -> Result<T, ContainerError> {
        match read() {
            Err(ContainerError::Image(ImageError::DigestMismatch { .. } | ImageError::Stream { .. }))
                if !self.stopped.load(Ordering::Relaxed) =>
            {
                read()
            }
            other => other,
        }
    }

    /// Lets all blobs that are being read fail.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

/// A layer whose stored bytes are verified and counted.
pub type CountedLayer<'a> = LayerReader<VerifyReader<Counted<'a>>>;

/// A blob whose bytes are reported.
pub struct Counted<'a> {
    blob: Box<dyn Read + Send>,
    source: &'a Received<'a>,
    /// Its position in the image, how much of it has come, and its size.
    index: usize,
    bytes: u64,
    size: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.source.stopped.load(Ordering::Relaxed) {
            return Err(io::Error::other("stopped because another layer failed"));
        }
        let read = self.blob.read(target)?;
        self.bytes += read as u64;
        let (index, bytes, size) = (self.index, self.bytes, self.size);
        self.source.listener.event(Event::LayerBytes { index, bytes, size });
        let before = self.source.bytes.fetch_add(read as u64, Ordering::Relaxed);
        self.source.listener.event(Event::Bytes(before + read as u64));
        Ok(read)
    }
}
