//! Counting the bytes that come from a source, and stopping them.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use oci_image::blob::VerifyReader;
use oci_image::layer::LayerReader;
use oci_image::source::Partials;
use oci_image::{Descriptor, Digest, ImageError, ImageSource, again};
use ostree_tar::TarError;

use crate::error::{ContainerError, is_of_store};
use crate::limits;
use crate::progress::{Event, Listener};
use crate::pull::ahead::{self, Ahead, OpenBlob};

/// How many blobs are fetched at a time where nobody said. This does not follow the processors: it hides waiting times.
pub const PARALLEL_FETCHES: NonZeroUsize = NonZeroUsize::new(8).expect("eight is not zero");

/// The form in which a source has a layer, else that of the manifest.
pub fn known_form(source: &dyn ImageSource, layer: &Descriptor) -> Descriptor {
    source.stored_as(layer).unwrap_or_else(|_| layer.clone())
}

/// How many bytes reading some layers takes: of the form in which the source has them, where that is known.
pub fn bytes_of<'a>(source: &dyn ImageSource, layers: impl Iterator<Item = &'a Descriptor>) -> u64 {
    layers.map(|layer| known_form(source, layer).size).sum()
}

/// A source whose layers are reported to a listener while they are read.
pub struct Received<'a> {
    ahead: Ahead<'a>,
    parallel: NonZeroUsize,
    /// The positions in the image of the layers that are opened ahead, in order.
    positions: Vec<usize>,
    listener: &'a dyn Listener,
    /// The bytes of all blobs so far that came in, and those that were at hand.
    bytes: AtomicU64,
    kept: AtomicU64,
    /// How far each layer was ever read, by its position in the image: what is read again is not counted again.
    furthest: Mutex<BTreeMap<usize, u64>>,
    stopped: AtomicBool,
}

impl<'a> Received<'a> {
    /// The layers that will be read from `source`, each with its position in the image, up to `parallel` fetched at a time.
    /// Those that `skip` knows are not begun before they are opened: others may have them by then.
    pub fn new(
        source: &'a dyn ImageSource,
        listener: &'a dyn Listener,
        layers: &[(usize, &'a Descriptor)],
        parallel: Option<NonZeroUsize>,
        skip: impl Fn(&Digest) -> bool + Send + Sync + 'a,
    ) -> Self {
        let (positions, wanted) = layers.iter().copied().unzip();
        let parallel = parallel.unwrap_or(PARALLEL_FETCHES);
        let ahead = Ahead::new(source, wanted, parallel.get(), Box::new(skip));
        let (bytes, kept, stopped) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Self { ahead, parallel, positions, listener, bytes, kept, furthest: Mutex::default(), stopped }
    }

    /// How many of `jobs` may read layers at once: none of them without a blob on its way.
    pub fn readers(&self, jobs: NonZeroUsize) -> NonZeroUsize {
        jobs.min(self.parallel)
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
            None => ahead::open(self.ahead.source(), descriptor)?,
        };
        let stored = self.ahead.source().stored_as(descriptor)?;
        let counted = Counted { blob, source: self, index, bytes: 0, size: stored.size };
        let blob = match self.ahead.source().checks_digests() {
            true => VerifyReader::counting(counted, &stored, what.clone()),
            false => VerifyReader::new(counted, &stored, what.clone()),
        };
        LayerReader::verified(blob, &stored.media_type, what)
    }

    /// Reads a layer with `read`, and a few times more if its bytes were damaged: the network may be at fault, not the image.
    /// Nothing but its digest vouches for a commit's signatures, and so they are looked at again too.
    pub fn again<T>(
        &self,
        layer: &Descriptor,
        read: impl Fn() -> Result<T, ContainerError>,
    ) -> Result<T, ContainerError> {
        let read = || {
            read().inspect_err(|error| {
                // Of everything else that leads to an error here, the digest has told.
                if matches!(error, ContainerError::Layer { source: TarError::Verify { .. }, .. }) {
                    self.of_kept(layer, |partials, stored| partials.doubt(stored));
                }
            })
        };
        let damaged = |error: &ContainerError| {
            use ImageError as E;
            matches!(
                error,
                ContainerError::Image(E::DigestMismatch { .. } | E::SizeMismatch { .. } | E::Stream { .. })
                    | ContainerError::Layer { source: TarError::Verify { .. }, .. }
            )
        };
        again(limits::DAMAGED_READS, |error| damaged(error) && !self.is_stopped(), read)
    }

    /// Notes that a layer of `size` bytes was read up to `to`; gives how far it was read before, and is now.
    fn reached(&self, index: usize, to: u64, size: u64) -> (u64, u64) {
        let mut furthest = self.furthest.lock().unwrap_or_else(PoisonError::into_inner);
        let furthest = furthest.entry(index).or_default();
        let before = *furthest;
        *furthest = before.max(to.min(size));
        (before, *furthest)
    }

    /// Reports a layer that need not be read.
    pub fn at_hand(&self, index: usize, layer: &Descriptor) -> Result<(), ImageError> {
        self.listener.event(Event::Layer { index, name: layer.digest.to_string() });
        let size = self.ahead.source().stored_as(layer)?.size;
        self.tell(index, (size, size), size);
        Ok(())
    }

    /// Reports what no reading of this layer had seen before, so that all that is told never exceeds the layer: it was read
    /// up to `to`, and the first `kept` bytes of it did not come in.
    fn tell(&self, index: usize, (to, kept): (u64, u64), size: u64) {
        let (before, now) = self.reached(index, to, size);
        self.listener.event(Event::LayerBytes { index, bytes: now, size });
        let kept = kept.clamp(before, now) - before;
        if kept > 0 {
            let sum = self.kept.fetch_add(kept, Ordering::Relaxed);
            self.listener.event(Event::Kept(sum + kept));
        }
        let received = now - before - kept;
        let sum = self.bytes.fetch_add(received, Ordering::Relaxed);
        self.listener.event(Event::Bytes(sum + received));
    }

    /// Whether the source keeps the bytes of layers on disk until they are finished.
    pub fn keeps_unfinished(&self) -> bool {
        self.ahead.source().partials().is_some()
    }

    /// Says that nothing need be kept of a layer's bytes.
    pub fn forget(&self, layer: &Descriptor) {
        self.of_kept(layer, |partials, stored| partials.finish(&[stored]));
    }

    /// Tells the source something of what it keeps of a layer, if it keeps anything.
    fn of_kept(&self, layer: &Descriptor, tell: impl FnOnce(&dyn Partials, &Descriptor)) {
        let source = self.ahead.source();
        if let (Some(partials), Ok(stored)) = (source.partials(), source.stored_as(layer)) {
            tell(partials, &stored);
        }
    }

    /// Lets all blobs that are being read fail.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether they do.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// Whether wrong bytes may be what led to an error of reading a layer. The repository's own failures, and signatures that do
/// not vouch for the commit, are no reason to fetch the rest of a layer.
pub fn doubtful(error: &ContainerError) -> bool {
    let ContainerError::Layer { source, .. } = error else { return false };
    !matches!(source, TarError::Verify { .. } | TarError::Prepare { .. }) && !is_of_store(source)
}

/// A layer whose stored bytes are verified and counted.
pub type CountedLayer<'a> = LayerReader<VerifyReader<Counted<'a>>>;

/// A blob whose bytes are reported.
pub struct Counted<'a> {
    blob: OpenBlob,
    source: &'a Received<'a>,
    /// Its position in the image, how much of it this reading has seen, and its size.
    index: usize,
    bytes: u64,
    size: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.source.is_stopped() {
            return Err(io::Error::other("stopped because another layer failed"));
        }
        let read = self.blob.bytes.read(target)?;
        self.bytes += read as u64;
        self.source.tell(self.index, (self.bytes, self.blob.kept.load(Ordering::Acquire)), self.size);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use oci_image::source::RawManifest;
    use oci_image::{Digest, media_type};

    use super::*;

    /// A source of one blob, of whose bytes 40 are at hand once it was opened before.
    #[derive(Default)]
    struct Twice(AtomicU64);

    fn none<T>() -> Result<T, ImageError> {
        Err(ImageError::Invalid { what: "manifest".into(), reason: "there is none".into() })
    }

    impl ImageSource for Twice {
        fn name(&self) -> String {
            "twice".into()
        }

        fn manifest(&self) -> Result<RawManifest, ImageError> {
            none()
        }

        fn manifest_at(&self, _: &Descriptor) -> Result<RawManifest, ImageError> {
            none()
        }

        fn blob(&self, _: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
            Ok(Box::new(io::repeat(7).take(130)))
        }

        fn blob_with_kept(
            &self,
            descriptor: &Descriptor,
            kept: &std::sync::Arc<AtomicU64>,
        ) -> Result<Box<dyn Read + Send>, ImageError> {
            kept.store(40 * self.0.fetch_add(1, Ordering::Relaxed), Ordering::Release);
            self.blob(descriptor)
        }
    }

    /// Keeps the last counts, which must never go back.
    #[derive(Default)]
    struct Counts(Mutex<[u64; 3]>);

    impl Listener for Counts {
        fn event(&self, event: Event) {
            let (which, count) = match event {
                Event::Bytes(bytes) => (0, bytes),
                Event::Kept(bytes) => (1, bytes),
                Event::LayerBytes { bytes, .. } => (2, bytes),
                _ => return,
            };
            let counts = &mut self.0.lock().unwrap()[which];
            assert!(count >= *counts, "{count} after {counts}");
            *counts = count;
        }
    }

    #[test]
    fn what_is_read_again_is_not_counted_again() {
        let (source, counts) = (Twice::default(), Counts::default());
        let layer = Descriptor::new(media_type::OCI_LAYER, Digest::sha256(b""), 100);
        let received = Received::new(&source, &counts, &[(3, &layer)], None, |_| false);
        // How much of each reading is read, and what is told then: received, kept, and of the layer.
        for (read, told) in [(20, [20, 0, 20]), (30, [20, 10, 30]), (30, [20, 10, 30]), (130, [20, 80, 100])] {
            let blob = ahead::open(&source, &layer).unwrap();
            let counted = Counted { blob, source: &received, index: 3, bytes: 0, size: layer.size };
            assert_eq!(io::copy(&mut counted.take(read), &mut io::sink()).unwrap(), read);
            assert_eq!(*counts.0.lock().unwrap(), told);
        }
    }
}
