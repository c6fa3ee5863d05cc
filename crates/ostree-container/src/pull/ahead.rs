//! Opening blobs before they are needed, so that the waiting times of a network overlap.

use std::io::Read;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use oci_image::{Descriptor, Digest, ImageError, ImageSource};

/// How many bytes may come ahead of their readers. Many small blobs fit, whose waiting times are worth hiding, or one or two
/// large ones, which keep the network busy by themselves.
const MAX_AHEAD: u64 = 2 * 1024 * 1024;

/// How many blobs may be open ahead of their readers, whatever their size: each may hold a file or a connection.
const MAX_OPEN: usize = 64;

/// A blob that is being read.
pub struct OpenBlob {
    /// Its bytes.
    pub bytes: Box<dyn Read + Send>,
    /// How many of the first ones were at hand from an earlier try.
    pub kept: Arc<AtomicU64>,
}

/// An open blob, or why it could not be opened.
type Opened = Result<OpenBlob, ImageError>;

/// Opens a blob of `source`.
pub fn open(source: &dyn ImageSource, descriptor: &Descriptor) -> Opened {
    let kept = Arc::default();
    Ok(OpenBlob { bytes: source.blob_with_kept(descriptor, &kept)?, kept })
}

enum Slot {
    /// Nobody has begun.
    Waiting,
    /// A thread is opening it.
    Opening,
    /// It can be taken.
    Ready(Opened),
    /// Somebody has it, or nobody wants it any more.
    Gone,
}

struct State {
    slots: Vec<Slot>,
    /// How many blobs are being opened or wait to be taken.
    ahead: usize,
    /// How many bytes of them may have come.
    bytes: u64,
    ended: bool,
}

/// Blobs that are wanted soon, in this order. Several of them are open at a time; a source that fetches on its own meanwhile
/// has the first bytes of each by the time it is read.
pub struct Ahead<'a> {
    source: &'a dyn ImageSource,
    wanted: Vec<&'a Descriptor>,
    parallel: usize,
    skip: Skip<'a>,
    state: Mutex<State>,
    changed: Condvar,
}

/// Which blobs are left alone until somebody takes them.
pub type Skip<'a> = Box<dyn Fn(&Digest) -> bool + Send + Sync + 'a>;

impl<'a> Ahead<'a> {
    /// Opens the blobs in `wanted` that `skip` does not leave alone, up to `parallel` of them at the same time, once
    /// [`Ahead::run`] is called.
    pub fn new(source: &'a dyn ImageSource, wanted: Vec<&'a Descriptor>, parallel: usize, skip: Skip<'a>) -> Self {
        let slots = wanted.iter().map(|_| Slot::Waiting).collect();
        let state = Mutex::new(State { slots, ahead: 0, bytes: 0, ended: false });
        Self { source, wanted, parallel, skip, state, changed: Condvar::new() }
    }

    /// Where the blobs come from.
    pub fn source(&self) -> &'a dyn ImageSource {
        self.source
    }

    /// Does `work`, which takes the blobs, while others open them. Blobs that were not taken are closed at the end.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        std::thread::scope(|scope| {
            for _ in 0..self.parallel.min(self.wanted.len()) {
                scope.spawn(|| self.open_all());
            }
            let _end = End(self);
            work()
        })
    }

    /// The blob at position `index` of those that are wanted.
    pub fn take(&self, index: usize) -> Opened {
        let mut state = self.lock();
        loop {
            match state.slots.get_mut(index).map(|slot| std::mem::replace(slot, Slot::Gone)) {
                Some(Slot::Ready(opened)) => {
                    self.leave(&mut state, index);
                    self.changed.notify_all();
                    return opened;
                }
                Some(Slot::Opening) => {
                    if let Some(slot) = state.slots.get_mut(index) {
                        *slot = Slot::Opening;
                    }
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                Some(Slot::Waiting | Slot::Gone) | None => {
                    drop(state);
                    let wanted = self.wanted.get(index).ok_or_else(|| unknown(index))?;
                    return open(self.source, wanted);
                }
            }
        }
    }

    fn open_all(&self) {
        while let Some((index, wanted)) = self.next() {
            let opened = open(self.source, wanted);
            let mut state = self.lock();
            match state.slots.get_mut(index) {
                Some(slot) if matches!(slot, Slot::Opening) => *slot = Slot::Ready(opened),
                _ => self.leave(&mut state, index),
            }
            self.changed.notify_all();
        }
    }

    /// The next blob that nobody has begun, when there is room for one more.
    fn next(&self) -> Option<(usize, &'a Descriptor)> {
        let mut state = self.lock();
        loop {
            if state.ended {
                return None;
            }
            let waiting = state.slots.iter().position(|slot| matches!(slot, Slot::Waiting))?;
            if self.wanted.get(waiting).is_some_and(|wanted| (self.skip)(&wanted.digest)) {
                *state.slots.get_mut(waiting)? = Slot::Gone;
                continue;
            }
            let cost = self.cost(waiting);
            if state.ahead == 0 || (state.ahead < MAX_OPEN && state.bytes + cost <= MAX_AHEAD) {
                *state.slots.get_mut(waiting)? = Slot::Opening;
                state.ahead += 1;
                state.bytes += cost;
                return Some((waiting, self.wanted.get(waiting)?));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How many bytes of a blob may come before anybody reads it.
    fn cost(&self, index: usize) -> u64 {
        self.wanted.get(index).map_or(0, |wanted| wanted.size.min(MAX_AHEAD))
    }

    fn leave(&self, state: &mut State, index: usize) {
        state.ahead -= 1;
        state.bytes -= self.cost(index);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(index: usize) -> ImageError {
    ImageError::Invalid { what: "layer".into(), reason: format!("no layer {index} was asked for") }
}

/// Ends the opening, also when the work panics.
struct End<'e, 'a>(&'e Ahead<'a>);

impl Drop for End<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ended = true;
        state.slots.iter_mut().for_each(|slot| *slot = Slot::Gone);
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use oci_image::media_type;
    use oci_image::source::RawManifest;

    use super::*;

    /// A source whose blobs are their own sizes as text.
    #[derive(Default)]
    struct Sizes {
        opening: AtomicUsize,
        most: AtomicUsize,
    }

    impl ImageSource for Sizes {
        fn name(&self) -> String {
            "sizes".into()
        }

        fn manifest(&self) -> Result<RawManifest, ImageError> {
            Err(unknown(0))
        }

        fn manifest_at(&self, _: &Descriptor) -> Result<RawManifest, ImageError> {
            Err(unknown(0))
        }

        fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
            let opening = self.opening.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(opening, Ordering::SeqCst);
            std::thread::yield_now();
            self.opening.fetch_sub(1, Ordering::SeqCst);
            match descriptor.size {
                13 => Err(unknown(13)),
                size => Ok(Box::new(std::io::Cursor::new(size.to_string()))),
            }
        }
    }

    fn blobs(count: u64) -> Vec<Descriptor> {
        (0..count).map(|n| Descriptor::new(media_type::OCI_LAYER, Digest::sha256(&n.to_le_bytes()), n)).collect()
    }

    #[test]
    fn every_blob_comes_once_and_few_are_opened_at_a_time() {
        let (source, blobs) = (Sizes::default(), blobs(40));
        let ahead = Ahead::new(&source, blobs.iter().collect(), 4, Box::new(|_| false));
        let failed = ahead.run(|| {
            (0..40)
                .filter(|&index| match ahead.take(index) {
                    Ok(mut blob) => {
                        let mut text = String::new();
                        blob.bytes.read_to_string(&mut text).unwrap();
                        assert_eq!(text, index.to_string());
                        false
                    }
                    Err(_) => true,
                })
                .count()
        });
        assert_eq!(failed, 1);
        // One more may be opened by whoever takes it.
        assert!(source.most.load(Ordering::SeqCst) <= 5);
    }

    #[test]
    fn what_nobody_takes_does_not_hold_up_the_end() {
        let (source, blobs) = (Sizes::default(), blobs(9));
        let ahead = Ahead::new(&source, blobs.iter().collect(), 3, Box::new(|_| false));
        ahead.run(|| drop(ahead.take(7)));
    }
}
