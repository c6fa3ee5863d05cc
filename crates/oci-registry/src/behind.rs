//! Small blobs, and pieces of large ones, on their way to a registry while the next ones are being made.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oci_image::Digest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};

use crate::error::RegistryError;
use crate::limits;
use crate::runtime::Runtime;

/// Uploads that nobody waits for yet. How many there are is bounded by their bytes.
#[derive(Debug)]
pub(crate) struct Behind {
    room: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tasks: JoinSet<Result<(), RegistryError>>,
    /// Which blobs were given out since all of them had arrived.
    digests: BTreeSet<Digest>,
}

impl Behind {
    /// None on their way.
    pub(crate) fn new() -> Self {
        Self { room: Arc::new(Semaphore::new(limits::BEHIND_BYTES)), state: Mutex::default() }
    }

    /// Waits until there is room for a blob of `size` bytes and sends it with `upload` beside the caller.
    pub(crate) fn send<F>(&self, runtime: &Runtime, digest: &Digest, size: usize, upload: F)
    where
        F: Future<Output = Result<(), RegistryError>> + Send + 'static,
    {
        let turn = self.turn(runtime, size.max(limits::BEHIND_BYTES / limits::BEHIND_UPLOADS));
        let mut state = self.state();
        state.digests.insert(digest.clone());
        let task = async move {
            let _turn = turn;
            upload.await
        };
        state.tasks.spawn_on(task, runtime.handle());
    }

    /// Waits until there is room for `size` bytes on their way. There is room again when the turn is dropped.
    pub(crate) fn turn(&self, runtime: &Runtime, size: usize) -> Option<OwnedSemaphorePermit> {
        let cost = u32::try_from(size.min(limits::BEHIND_BYTES)).unwrap_or(u32::MAX);
        // Nobody closes it, and without a turn it is only more at once.
        runtime.block_on(Arc::clone(&self.room).acquire_many_owned(cost)).ok()
    }

    /// Whether a blob may still be on its way.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.state().digests.contains(digest)
    }

    /// The failure of one that has ended.
    pub(crate) fn check(&self) -> Result<(), RegistryError> {
        let mut state = self.state();
        while let Some(ended) = state.tasks.try_join_next() {
            outcome(ended)?;
        }
        Ok(())
    }

    /// Waits for all of them; the first failure ends the others.
    pub(crate) fn settle(&self, runtime: &Runtime) -> Result<(), RegistryError> {
        let mut all = std::mem::take(&mut *self.state());
        runtime.block_on(async {
            while let Some(ended) = all.tasks.join_next().await {
                outcome(ended)?;
            }
            Ok(())
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn outcome(ended: Result<Result<(), RegistryError>, JoinError>) -> Result<(), RegistryError> {
    match ended {
        Ok(result) => result,
        Err(error) => Err(RegistryError::Runtime { source: std::io::Error::other(error) }),
    }
}
