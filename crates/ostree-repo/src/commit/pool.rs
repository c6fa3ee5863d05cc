//! A few threads that turn jobs into results, in no order, with a bounded queue.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use crate::error::RepoError;

/// How many jobs may wait. Each holds a directory open, so this also bounds the number of descriptors.
const QUEUE: usize = 128;

/// How many threads to use where nothing else is asked for: one for each processor.
pub fn default_jobs() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Gives the jobs that `produce` sends to `jobs` threads, and collects what they make of them. The first error of a thread
/// ends the whole: the queue then closes, and `produce` sees that its `send` fails.
pub fn run<J: Send, R: Send>(
    jobs: NonZeroUsize,
    produce: impl FnOnce(&dyn Fn(J) -> Result<(), Closed>) -> Result<(), RepoError>,
    work: impl Fn(J) -> Result<R, RepoError> + Sync,
) -> Result<Vec<R>, RepoError> {
    let (sender, receiver) = sync_channel(QUEUE);
    let shared = Mutex::new(Some(receiver));
    let outcomes = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.get()).map(|_| scope.spawn(|| drain(&shared, &work))).collect();
        let produced = feed(sender, produce);
        let mut results = Vec::new();
        let mut failed = None;
        for worker in workers {
            match worker.join() {
                Ok(Ok(part)) => results.extend(part),
                Ok(Err(e)) => failed = Some(e),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        // A worker's error is the cause; the producer then only saw the queue close.
        match failed {
            Some(e) => Err(e),
            None => produced.map(|()| results),
        }
    })?;
    Ok(outcomes)
}

/// The queue has closed, because a worker failed.
#[derive(Debug, Clone, Copy)]
pub struct Closed;

impl From<Closed> for RepoError {
    fn from(_: Closed) -> Self {
        Self::Request("stopped".into())
    }
}

fn feed<J>(
    sender: SyncSender<J>,
    produce: impl FnOnce(&dyn Fn(J) -> Result<(), Closed>) -> Result<(), RepoError>,
) -> Result<(), RepoError> {
    produce(&|job| sender.send(job).map_err(|_| Closed))
}

fn drain<J, R>(
    shared: &Mutex<Option<Receiver<J>>>,
    work: &(impl Fn(J) -> Result<R, RepoError> + Sync),
) -> Result<Vec<R>, RepoError> {
    let mut results = Vec::new();
    loop {
        let job = match shared.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Receiver::recv) {
            Some(Ok(job)) => job,
            Some(Err(_)) | None => return Ok(results),
        };
        match work(job) {
            Ok(result) => results.push(result),
            Err(e) => {
                // Dropping the receiver makes the producer's next send fail.
                shared.lock().unwrap_or_else(PoisonError::into_inner).take();
                return Err(e);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_and_errors_stop() {
        let jobs = NonZeroUsize::new(3).unwrap();
        let mut all = run(jobs, |send| (0..1000).try_for_each(|n| Ok(send(n)?)), |n: u32| Ok(n * 2)).unwrap();
        all.sort_unstable();
        assert_eq!(all.len(), 1000);
        assert_eq!(all[999], 1998);
        let failing = run(
            jobs,
            |send| (0..).try_for_each(|n| Ok(send(n)?)),
            |n: u64| if n == 500 { Err(RepoError::RefNotFound("x".into())) } else { Ok(()) },
        );
        assert!(matches!(failing, Err(RepoError::RefNotFound(_))));
    }
}
