//! Sending what a transaction wrote to the disk while it still works, so that little is left for the sync at its end.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::fs::Dir;

/// After how many written bytes the disk is asked to begin. By itself the kernel waits for a tenth of the memory, or for
/// half a minute.
const STEP: u64 = 128 << 20;

/// Syncs now and then, one sync at a time. It is a matter of speed alone: what fails here, fails again at the end.
#[derive(Debug, Default)]
pub struct EarlySync {
    written: AtomicU64,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl EarlySync {
    /// Notes that `bytes` were written to the file system of `dir`.
    pub fn wrote(&self, dir: &Dir, bytes: u64) {
        let before = self.written.fetch_add(bytes, Ordering::Relaxed);
        if before / STEP == before.saturating_add(bytes) / STEP {
            return;
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let Ok(dir) = dir.as_fd().try_clone_to_owned() else { return };
        let sync = move || {
            let _ = rustix::fs::syncfs(dir);
        };
        *running = std::thread::Builder::new().name("sync".into()).spawn(sync).ok();
    }
}

impl Drop for EarlySync {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = running.take() {
            let _ = thread.join();
        }
    }
}
