//! Counting the bytes of layers that go over to another image.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use oci_image::source::RawManifest;
use oci_image::{Descriptor, ImageError, ImageSource};

use crate::progress::{Event, Listener};

/// How long it takes until new bytes are told. Blobs outlive what borrows a listener, so they cannot tell by themselves.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// The layers of one image, which are reported to a listener while they are read, several at once.
pub struct Copied<'a> {
    source: &'a dyn ImageSource,
    listener: &'a dyn Listener,
    /// The bytes of all layers so far.
    all: Arc<AtomicU64>,
}

impl<'a> Copied<'a> {
    /// Reports what is read of `source`.
    pub fn new(source: &'a dyn ImageSource, listener: &'a dyn Listener) -> Self {
        Self { source, listener, all: Arc::default() }
    }

    /// Does `work` with one layer, which it may read from the source it is given, again where that fails, or not at all.
    pub fn layer<T, E>(
        &self,
        (index, layer): (usize, &Descriptor),
        work: impl FnOnce(&dyn ImageSource) -> Result<T, E>,
    ) -> Result<T, E> {
        self.listener.event(Event::Layer { index, name: layer.digest.to_string() });
        if !self.listener.looks() {
            return work(self.source);
        }
        let size = self.source.stored_as(layer).map_or(layer.size, |stored| stored.size);
        let count = Count { size, furthest: Arc::default(), all: Arc::clone(&self.all) };
        let ended = AtomicBool::new(false);
        let result = thread::scope(|scope| {
            let teller = scope.spawn(|| {
                while !ended.load(Ordering::Acquire) {
                    self.tell(index, &count);
                    thread::park_timeout(TELL_EVERY);
                }
            });
            let _end = End(&ended, teller.thread().clone());
            work(&Reading { source: self.source, count: &count })
        })?;
        count.reach(size);
        self.tell(index, &count);
        Ok(result)
    }

    fn tell(&self, index: usize, count: &Count) {
        let bytes = count.furthest.load(Ordering::Relaxed);
        self.listener.event(Event::LayerBytes { index, bytes, size: count.size });
        self.listener.event(Event::Bytes(self.all.load(Ordering::Relaxed)));
    }
}

/// How far one layer was read, what is read again counted once.
#[derive(Clone)]
struct Count {
    size: u64,
    furthest: Arc<AtomicU64>,
    /// The sum over all layers.
    all: Arc<AtomicU64>,
}

impl Count {
    fn reach(&self, to: u64) {
        let to = to.min(self.size);
        let before = self.furthest.fetch_max(to, Ordering::Relaxed);
        self.all.fetch_add(to.saturating_sub(before), Ordering::Relaxed);
    }
}

/// The source as it is given to whoever works with one layer.
struct Reading<'a> {
    source: &'a dyn ImageSource,
    count: &'a Count,
}

impl ImageSource for Reading<'_> {
    fn name(&self) -> String {
        self.source.name()
    }

    fn manifest(&self) -> Result<RawManifest, ImageError> {
        self.source.manifest()
    }

    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError> {
        self.source.manifest_at(descriptor)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
        let blob = self.source.blob(descriptor)?;
        Ok(Box::new(Counted { blob, bytes: 0, count: self.count.clone() }))
    }

    fn stored_as(&self, descriptor: &Descriptor) -> Result<Descriptor, ImageError> {
        self.source.stored_as(descriptor)
    }
}

/// Ends the telling, also when the work panics.
struct End<'a>(&'a AtomicBool, Thread);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
        self.1.unpark();
    }
}

/// A blob whose bytes are counted.
struct Counted {
    blob: Box<dyn Read + Send>,
    bytes: u64,
    count: Count,
}

impl Read for Counted {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let read = self.blob.read(target)?;
        self.bytes += read as u64;
        self.count.reach(self.bytes);
        Ok(read)
    }
}
