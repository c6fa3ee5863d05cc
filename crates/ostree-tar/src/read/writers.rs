//! Threads that write small objects while the stream is read on, with a bound on the bytes that wait.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use ostree_core::{FileHeader, FileId, ObjectName, Owner, StoreError, WriteObject, Xattrs};

use crate::error::{Reason, TarError};
use crate::limits::{JOB_OVERHEAD, MAX_IN_FLIGHT};

/// How many empty buffers are kept for reuse.
const POOL: usize = 8;

/// Where an object stood in the stream, for messages.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) entry: String,
    pub(super) offset: u64,
}

impl Origin {
    /// The error of this entry.
    pub(super) fn refuse(self, source: impl Into<Reason>) -> TarError {
        TarError::Entry { entry: self.entry, offset: self.offset, source: Box::new(source.into()) }
    }
}

/// What describes a file; xattr sets are shared by many.
#[derive(Debug, Clone)]
pub(super) struct FileAttributes {
    pub(super) owner: Owner,
    /// Without type bits.
    pub(super) permissions: u32,
    /// `None` for a regular file.
    pub(super) symlink_target: Option<String>,
    pub(super) xattrs: Arc<Xattrs>,
}

impl FileAttributes {
    fn header(self) -> FileHeader {
        let xattrs = Arc::unwrap_or_clone(self.xattrs);
        match self.symlink_target {
            Some(target) => FileHeader::symlink(self.owner, target, xattrs),
            None => FileHeader::regular(self.owner, self.permissions, xattrs),
        }
    }
}

/// An object with all its bytes.
pub(super) enum Object {
    /// A commit, dirtree or dirmeta.
    Metadata(ObjectName),
    /// A file or symlink.
    File(FileId, FileAttributes),
}

struct Job {
    object: Object,
    bytes: Vec<u8>,
    origin: Origin,
}

impl Job {
    fn cost(&self) -> usize {
        self.bytes.len() + JOB_OVERHEAD
    }
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// The cost of all jobs that wait or are worked on.
    in_flight: usize,
    pool: Vec<Vec<u8>>,
    /// No job comes any more.
    closed: bool,
    /// A writer panicked; nobody may wait for it.
    panicked: bool,
    /// The failure that stands first in the stream.
    failure: Option<(u64, TarError)>,
}

impl State {
    fn stopped(&self) -> bool {
        self.failure.is_some() || self.panicked
    }
}

/// A queue of objects to write. Jobs are taken in the order of the stream and every one that was taken is finished, so the
/// failure reported is the first of the stream, whatever the threads do.
pub(super) struct Writers<'s> {
    store: &'s dyn WriteObject,
    state: Mutex<State>,
    changed: Condvar,
    threads: usize,
}

impl<'s> Writers<'s> {
    /// Runs `feed` with a queue that `threads` threads write from; with 0 the feeding thread writes itself. Gives the
    /// failure that stands first in the stream, of the feeder or of the writers.
    pub(super) fn run<T>(
        store: &'s dyn WriteObject,
        threads: usize,
        feed: impl FnOnce(&Self) -> Result<T, TarError>,
    ) -> Result<T, TarError> {
        let writers = Self { store, state: Mutex::default(), changed: Condvar::new(), threads };
        let fed = std::thread::scope(|scope| {
            // Dropped, and with it closed, also when the feeder panics: the threads must not wait for ever.
            let queue = CloseOnDrop(&writers);
            for _ in 0..threads {
                scope.spawn(|| writers.work());
            }
            feed(queue.0)
        });
        // What the writers found stands before what the feeder found, because it was fed before.
        match writers.lock().failure.take() {
            Some((_, failure)) => Err(failure),
            None => fed,
        }
    }

    /// An empty buffer.
    pub(super) fn buffer(&self) -> Vec<u8> {
        self.lock().pool.pop().unwrap_or_default()
    }

    /// Gives an object to the writers, waiting while too much is in flight. `false` if they have failed, and nothing more
    /// should be fed.
    pub(super) fn push(&self, object: Object, bytes: Vec<u8>, origin: Origin) -> bool {
        let job = Job { object, bytes, origin };
        if self.threads == 0 {
            let (offset, bytes, result) = self.perform(job);
            self.done(0, offset, bytes, result);
            return self.lock().failure.is_none();
        }
        let cost = job.cost();
        let mut state = self.lock();
        while !state.stopped() && state.in_flight > 0 && state.in_flight + cost > MAX_IN_FLIGHT {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped() {
            return false;
        }
        state.in_flight += cost;
        state.jobs.push_back(job);
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Writes a file on the feeding thread, straight from the stream.
    pub(super) fn stream(
        &self,
        id: &FileId,
        attributes: FileAttributes,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<(), StoreError> {
        self.store.write_file(&attributes.header(), size, content, Some(id)).map(|_| ())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock; the scope passes on panics of the store.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let _guard = CloseOnPanic(self);
        loop {
            let mut state = self.lock();
            let job = loop {
                if state.stopped() {
                    return;
                }
                match state.jobs.pop_front() {
                    Some(job) => break job,
                    None if state.closed => return,
                    None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                }
            };
            drop(state);
            let cost = job.cost();
            let (offset, bytes, result) = self.perform(job);
            self.done(cost, offset, bytes, result);
        }
    }

    fn perform(&self, job: Job) -> (u64, Vec<u8>, Result<(), TarError>) {
        let Job { object, bytes, origin } = job;
        let written = match object {
            Object::Metadata(name) => self.store.write_metadata(name.kind, &bytes, Some(&name.checksum)).map(|_| ()),
            Object::File(id, attributes) => {
                let header = attributes.header();
                let size = bytes.len() as u64;
                self.store.write_file(&header, size, &mut bytes.as_slice(), Some(&id)).map(|_| ())
            }
        };
        (origin.offset, bytes, written.map_err(|source| origin.refuse(source)))
    }

    fn done(&self, cost: usize, offset: u64, mut bytes: Vec<u8>, result: Result<(), TarError>) {
        let mut state = self.lock();
        state.in_flight -= cost;
        if let Err(failure) = result
            && state.failure.as_ref().is_none_or(|(first, _)| offset < *first)
        {
            state.failure = Some((offset, failure));
        }
        if state.pool.len() < POOL {
            bytes.clear();
            state.pool.push(bytes);
        }
        drop(state);
        self.changed.notify_all();
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

struct CloseOnDrop<'w, 's>(&'w Writers<'s>);

impl Drop for CloseOnDrop<'_, '_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Lets nobody wait for a writer that panicked; the scope passes the panic on.
struct CloseOnPanic<'w, 's>(&'w Writers<'s>);

impl Drop for CloseOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().panicked = true;
            self.0.changed.notify_all();
        }
    }
}
