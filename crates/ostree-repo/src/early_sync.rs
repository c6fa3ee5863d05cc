//! Sending what a transaction wrote to the disk while it still works, so that little is left for the sync at its end.

use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::fs::Dir;

/// After how many written bytes the disk is asked to begin. By itself the kernel waits for a tenth of the memory, or for
/// half a minute.
const STEP: u64 = 128 << 20;

/// Syncs now and then, one sync at a time. It is a matter of speed alone: what fails here, fails again at the end.
#[derive(Debug, Default)]
pub struct EarlySync(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many bytes were written since a sync was begun.
    written: u64,
    held: bool,
    running: Option<JoinHandle<()>>,
}

impl EarlySync {
    /// Notes that `bytes` were written to the file system of `dir`.
    pub fn wrote(&self, dir: &Dir, bytes: u64) {
        let mut state = self.state();
        state.written = state.written.saturating_add(bytes);
        state.begin(dir);
    }

    /// Holds all syncs back, or lets those go that were held.
    pub fn hold(&self, dir: &Dir, held: bool) {
        let mut state = self.state();
        state.held = held;
        state.begin(dir);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Begins a sync where one is due.
    fn begin(&mut self, dir: &Dir) {
        if self.held || self.written < STEP || self.running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let Ok(dir) = dir.as_fd().try_clone_to_owned() else { return };
        let sync = move || {
            let _ = rustix::fs::syncfs(dir);
        };
        self.running = std::thread::Builder::new().name("sync".into()).spawn(sync).ok();
        self.written = 0;
    }
}

impl Drop for EarlySync {
    fn drop(&mut self) {
        let running = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).running.take();
        if let Some(thread) = running {
            let _ = thread.join();
        }
    }
}
