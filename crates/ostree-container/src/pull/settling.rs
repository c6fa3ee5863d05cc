//! Keeping what a pull has got so far: of each layer that was read whole it is noted at once, for a process that is killed,
//! and now and then made durable, for a machine that is switched off.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oci_image::{Descriptor, Digest};
use ostree_repo::{LockKind, Repo, Transaction};

use crate::error::ContainerError;
use crate::pull::finished::{Claim, Finished, FinishedLayers};
use crate::pull::received::Received;

/// How long finished layers wait to be made durable. A pull that is over by then writes nothing for this; the kernel itself
/// waits half a minute.
const EVERY: Duration = Duration::from_secs(15);

/// How long somebody else's layer is waited for at most, to be visible here. Then nobody is waited for any more.
const PATIENCE: Duration = Duration::from_secs(4 * EVERY.as_secs());

/// How often it is looked for.
const PAUSE: Duration = Duration::from_millis(50);

/// The finished layers of a transaction.
pub struct Settling<'a> {
    transaction: &'a Transaction<'a>,
    source: &'a Received<'a>,
    notes: FinishedLayers,
    durable: bool,
    /// Somebody was waited for in vain.
    impatient: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is not durable yet.
    unsettled: Vec<Finished>,
    /// What the notes of this process are held by.
    claims: Vec<Claim>,
}

impl<'a> Settling<'a> {
    /// The layers of `source` on their way into `transaction`. Without `durable`, they are noted only.
    pub fn new(transaction: &'a Transaction<'a>, source: &'a Received<'a>, durable: bool) -> Self {
        let notes = FinishedLayers::of(transaction.repo());
        Self { transaction, source, notes, durable, impatient: AtomicBool::new(false), state: Mutex::default() }
    }

    /// Does `work` and makes what is finished durable meanwhile; also where it fails, unless the image itself is at fault.
    pub fn run<T>(&self, work: impl FnOnce() -> Result<T, ContainerError>) -> Result<T, ContainerError> {
        let (end, ended) = channel::<()>();
        let done = std::thread::scope(|scope| {
            scope.spawn(move || {
                while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                    self.settle();
                }
            });
            let done = work();
            drop(end);
            done
        });
        done.inspect_err(|error| {
            if !error.is_of_image() {
                self.settle();
            }
        })
    }

    /// Does `work`, which reads layers. Their unfinished blobs are gone before the kernel writes them by itself.
    pub fn reading<T>(&self, work: impl FnOnce() -> T) -> T {
        self.transaction.hold_early_sync(self.source.keeps_unfinished());
        let done = work();
        self.transaction.hold_early_sync(false);
        done
    }

    /// What this layer was read to, by a pull that was interrupted or one that is at it now, which is waited for.
    pub fn at_hand(&self, layer: &Descriptor) -> Option<Finished> {
        let begin = Instant::now();
        loop {
            let finished = self.notes.find(&layer.digest)?;
            // In this order: whoever holds it may commit it in between.
            let held = self.notes.is_held(&layer.digest);
            if finished.objects(self.transaction).is_some() {
                return Some(finished);
            }
            if begin.elapsed() > PATIENCE {
                self.impatient.store(true, Ordering::Relaxed);
            }
            if !held || self.impatient.load(Ordering::Relaxed) || self.source.is_stopped() {
                return None;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Takes in what a layer was read to: nothing need be kept of its bytes from now on.
    pub fn finished(&self, layer: &Descriptor, finished: Finished) {
        // Without a note it is read again some day, which takes more time and nothing else.
        if let Ok(claim) = self.notes.note(&layer.digest, &finished) {
            let mut state = self.state();
            state.claims.push(claim);
            state.unsettled.push(finished);
        }
        self.source.forget(layer);
    }

    /// What must be held until the transaction is committed, so that others wait for that.
    pub fn into_claims(self) -> Vec<Claim> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).claims
    }

    /// Makes everything that is finished durable. That is for another day: what fails in it is no failure of today.
    fn settle(&self) {
        let finished = std::mem::take(&mut self.state().unsettled);
        if !self.durable || finished.is_empty() {
            return;
        }
        let objects = finished.iter().filter_map(|finished| finished.objects(self.transaction));
        let objects: Vec<_> = objects.flatten().collect();
        let _ = self.transaction.settle(&objects);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the notes of layers that are in the repository now, unless others work on it who may want the same ones: then
/// the last one does it. No lock of the repository may be held.
pub fn forget<'a>(repo: &Repo, layers: impl IntoIterator<Item = &'a Digest>) {
    if repo.lock_within(LockKind::Exclusive, Some(Duration::ZERO)).is_ok() {
        FinishedLayers::of(repo).forget(layers);
    }
}
