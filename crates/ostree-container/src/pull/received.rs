//! Counting the bytes that come from a source, and stopping them.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use oci_image::blob::VerifyReader;
use oci_image::layer::LayerReader;
use oci_image::{Descriptor, ImageError, ImageSource};

use crate::progress::{Event, Listener};

/// A source whose blobs are reported to a listener while they are read.
pub struct Received<'a> {
    inner: &'a dyn ImageSource,
    listener: &'a dyn Listener,
    /// The bytes of all blobs so far.
    bytes: AtomicU64,
    stopped: AtomicBool,
}

impl<'a> Received<'a> {
    /// Reports what comes from `inner`.
    pub fn new(inner: &'a dyn ImageSource, listener: &'a dyn Listener) -> Self {
        Self { inner, listener, bytes: AtomicU64::new(0), stopped: AtomicBool::new(false) }
    }

    /// Opens the layer at position `index`, verified while it is read, whose stored bytes are counted.
    pub fn open_layer(&'a self, index: usize, descriptor: &Descriptor) -> Result<CountedLayer<'a>, ImageError> {
        self.listener.event(Event::Layer { index, name: descriptor.digest.to_string() });
        let what = format!("layer {}", descriptor.digest);
        let counted = Counted { blob: self.inner.blob(descriptor)?, source: self };
        let blob = VerifyReader::new(counted, descriptor, what.clone());
        LayerReader::new(blob, &descriptor.media_type, what)
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
}

impl Read for Counted<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.source.stopped.load(Ordering::Relaxed) {
            return Err(io::Error::other("stopped because another layer failed"));
        }
        let read = self.blob.read(target)?;
        let before = self.source.bytes.fetch_add(read as u64, Ordering::Relaxed);
        self.source.listener.event(Event::Bytes(before + read as u64));
        Ok(read)
    }
}
