//! Doing the same with several layers at once.

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Tells those who work beside each other that one of them failed, so that the others need not go on.
#[derive(Debug, Default)]
pub struct Stop(AtomicBool);

impl Stop {
    /// Tells it.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// It was told. Nobody gets to see this error, which comes after the one that was the reason.
    pub fn check(&self) -> io::Result<()> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(io::Error::other("another layer failed")),
            false => Ok(()),
        }
    }
}

/// How many threads to use where nobody said: one for each processor.
pub fn default_jobs() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Calls `work` with every item, on up to `jobs` threads, which begin with the first items. Gives the results in the order
/// of the items.
///
/// # Errors
/// The first one. After it `stop` is called, and nothing further is begun.
pub fn each<T: Sync, R: Send, E: Send>(
    jobs: NonZeroUsize,
    items: &[T],
    stop: &(dyn Fn() + Sync),
    work: impl Fn(usize, &T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::default();
    let failed: Mutex<Option<E>> = Mutex::default();
    let run = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            match work(index, item) {
                Ok(result) => done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result)),
                Err(error) => {
                    // Those who fail because they were stopped come after this one.
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    next.store(items.len(), Ordering::Relaxed);
                    stop();
                    return;
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs.get().min(items.len()) {
            scope.spawn(run);
        }
        run();
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => {
            let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
            done.sort_by_key(|(index, _)| *index);
            Ok(done.into_iter().map(|(_, result)| result).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: NonZeroUsize = NonZeroUsize::new(3).expect("three is not zero");

    #[test]
    fn results_are_in_order() {
        let squares = each(THREE, &[3, 1, 2], &|| {}, |index, n| Ok::<_, ()>((index, n * n)));
        assert_eq!(squares, Ok(vec![(0, 9), (1, 1), (2, 4)]));
        assert_eq!(each(THREE, &[0u8; 0], &|| {}, |_, _| Ok::<_, ()>(())), Ok(vec![]));
    }

    #[test]
    fn an_error_stops_the_rest() {
        let begun = AtomicUsize::new(0);
        let stopped = AtomicUsize::new(0);
        let stop = || {
            stopped.fetch_add(1, Ordering::Relaxed);
        };
        let result: Result<Vec<()>, usize> = each(NonZeroUsize::MIN, &[0; 100], &stop, |index, _| {
            begun.fetch_add(1, Ordering::Relaxed);
            if index == 4 { Err(index) } else { Ok(()) }
        });
        assert_eq!((result, begun.into_inner(), stopped.into_inner()), (Err(4), 5, 1));
    }
}
