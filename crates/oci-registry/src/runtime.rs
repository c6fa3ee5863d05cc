//! The hidden asynchronous runtime: one worker thread a session.

use crate::error::RegistryError;

/// A runtime that ends without waiting for what is still running in it.
#[derive(Debug)]
pub(crate) struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    /// Starts the worker.
    pub(crate) fn start() -> Result<Self, RegistryError> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(4)
            .thread_name("registry")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(|source| RegistryError::Runtime { source })
    }

    /// Runs `future` to its end on the calling thread. Must not be called from an asynchronous task.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.inner().block_on(future)
    }

    /// Runs `future` beside the caller.
    pub(crate) fn spawn<F>(&self, future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.inner().spawn(future)
    }

    /// To start tasks with.
    pub(crate) fn handle(&self) -> &tokio::runtime::Handle {
        self.inner().handle()
    }

    fn inner(&self) -> &tokio::runtime::Runtime {
        self.0.as_ref().expect("only dropping takes the runtime out")
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
