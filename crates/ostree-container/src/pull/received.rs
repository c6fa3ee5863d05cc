//! Counting the bytes that come from a source.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use oci_image::blob::VerifyReader;
use oci_image::layer::LayerReader;
use oci_image::{Descriptor, ImageError, ImageSource};

use crate::progress::{Event, Listener};

/// A source whose blobs are reported to a listener while they are read.
pub struct Received<'a> {
    /// Where the image comes from.
    pub inner: &'a dyn ImageSource,
    /// Who is told.
    pub listener: &'a dyn Listener,
    /// The bytes of all blobs so far.
    pub bytes: AtomicU64,
}

impl<'a> Received<'a> {
    /// Opens a layer, verified while it is read, whose stored bytes are counted.
    pub fn open_layer(&'a self, descriptor: &Descriptor) -> Result<CountedLayer<'a>, ImageError> {
        let what = format!("layer {}", descriptor.digest);
        let counted = Counted { blob: self.inner.blob(descriptor)?, source: self };
        let blob = VerifyReader::new(counted, descriptor, what.clone());
        LayerReader::new(blob, &descriptor.media_type, what)
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
        let read = self.blob.read(target)?;
        let before = self.source.bytes.fetch_add(read as u64, Ordering::Relaxed);
        self.source.listener.event(Event::Bytes(before + read as u64));
        Ok(read)
    }
}
