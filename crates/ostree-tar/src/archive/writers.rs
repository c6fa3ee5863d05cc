//! Threads that hash and write small files while the archive is read on.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ostree_core::{FileHeader, FileId, StoreError, WriteObject};

use crate::error::{Reason, TarError};
use crate::limits::MAX_WAITING;

/// Where an entry stood in the archive, for messages.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) entry: String,
    pub(crate) offset: u64,
}

impl Origin {
    /// The error of this entry.
    pub(crate) fn refuse(self, source: impl Into<Reason>) -> TarError {
        TarError::Entry { entry: self.entry, offset: self.offset, source: Box::new(source.into()) }
    }
}

/// A small file to write.
pub(crate) struct Job {
    /// Which file of the archive it is, counted from 0.
    pub(crate) slot: usize,
    pub(crate) header: FileHeader,
    pub(crate) bytes: Vec<u8>,
    pub(crate) origin: Origin,
}

/// What became of a file.
type Outcome = (usize, Result<FileId, TarError>);

/// The way to the threads; without any, the caller's own thread writes.
pub(crate) struct Queue<'q> {
    sender: Option<SyncSender<Job>>,
    store: &'q dyn WriteObject,
    /// What was written on the caller's thread.
    done: Vec<Outcome>,
}

/// A thread has failed; its error is the one to report.
#[derive(Debug)]
pub(crate) struct Stopped;

impl<'q> Queue<'q> {
    /// The store that the threads write to.
    pub(crate) fn store(&self) -> &'q dyn WriteObject {
        self.store
    }

    /// Gives a file to the threads, waiting while too many wait.
    pub(crate) fn push(&mut self, job: Job) -> Result<(), Stopped> {
        match &self.sender {
            Some(sender) => sender.send(job).map_err(|_| Stopped),
            None => {
                self.done.push(perform(self.store, job));
                if self.done.last().is_some_and(|(_, result)| result.is_err()) { Err(Stopped) } else { Ok(()) }
            }
        }
    }

    /// The id of a file that the caller has written itself.
    pub(crate) fn written(&mut self, slot: usize, id: FileId) {
        self.done.push((slot, Ok(id)));
    }
}

/// Runs `feed` with a queue that `threads` threads write from, and gives the ids by slot. Of several failures that of the
/// first file is given; `feed` stops at [`Stopped`] with whatever it likes.
pub(crate) fn run(
    store: &dyn WriteObject,
    threads: usize,
    feed: impl FnOnce(&mut Queue<'_>) -> Result<(), TarError>,
) -> Result<Vec<Option<FileId>>, TarError> {
    let (sender, receiver) = sync_channel(MAX_WAITING);
    let shared = Mutex::new(Some(receiver));
    let (fed, outcomes) = std::thread::scope(|scope| {
        let work = || drain(store, &shared);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        // Without threads nobody would ever take what is sent.
        let sender = (threads > 0).then_some(sender);
        let mut queue = Queue { sender, store, done: Vec::new() };
        let fed = feed(&mut queue);
        let mut outcomes = queue.done;
        // The threads end when nothing can come any more.
        drop(queue.sender);
        for worker in workers {
            outcomes.extend(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        (fed, outcomes)
    });
    let mut ids = Vec::new();
    let mut failure: Option<(usize, TarError)> = None;
    for (slot, outcome) in outcomes {
        match outcome {
            Ok(id) => {
                if ids.len() <= slot {
                    ids.resize(slot + 1, None);
                }
                if let Some(place) = ids.get_mut(slot) {
                    *place = Some(id);
                }
            }
            Err(error) if failure.as_ref().is_none_or(|(first, _)| slot < *first) => failure = Some((slot, error)),
            Err(_) => {}
        }
    }
    // What the threads found stands before what the feeder found, because it was fed before.
    match failure {
        Some((_, error)) => Err(error),
        None => fed.map(|()| ids),
    }
}

fn drain(store: &dyn WriteObject, shared: &Mutex<Option<Receiver<Job>>>) -> Vec<Outcome> {
    // A thread that panics must not leave the feeder waiting for room in the queue.
    let _guard = CloseOnPanic(shared);
    let mut outcomes = Vec::new();
    loop {
        let job = match lock(shared).as_ref().map(Receiver::recv) {
            Some(Ok(job)) => job,
            Some(Err(_)) | None => return outcomes,
        };
        let outcome = perform(store, job);
        let failed = outcome.1.is_err();
        outcomes.push(outcome);
        if failed {
            // Without a receiver the feeder's next send fails. Whatever came before this job was taken before it.
            lock(shared).take();
            return outcomes;
        }
    }
}

fn lock(shared: &Mutex<Option<Receiver<Job>>>) -> MutexGuard<'_, Option<Receiver<Job>>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn perform(store: &dyn WriteObject, job: Job) -> Outcome {
    let written: Result<FileId, StoreError> =
        store.write_file(&job.header, job.bytes.len() as u64, &mut job.bytes.as_slice(), None);
    (job.slot, written.map_err(|source| job.origin.refuse(source)))
}

struct CloseOnPanic<'s>(&'s Mutex<Option<Receiver<Job>>>);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(self.0).take();
        }
    }
}
