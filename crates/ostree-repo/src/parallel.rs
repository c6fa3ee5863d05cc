//! Worker threads that share one bounded queue of work.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::RepoError;

/// How often whoever feeds or waits for the workers gets a chance to report progress.
const TICK: Duration = Duration::from_millis(100);

/// How many pieces of work wait at most. Enough that no worker idles while the next is found; few enough that each may hold
/// a descriptor open.
const QUEUED: usize = 256;

/// How many threads to use: what the caller asks for, or one per processor.
pub fn jobs(asked: Option<NonZeroUsize>) -> usize {
    asked.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}

struct State<T> {
    queue: VecDeque<T>,
    closed: bool,
    running: usize,
    /// Workers that wait for something to do.
    idle: usize,
    /// Whether the feeder waits for room.
    blocked: bool,
    error: Option<RepoError>,
}

/// The queue between the one who finds work and those who do it.
pub struct Feeder<T> {
    state: Mutex<State<T>>,
    capacity: usize,
    /// Something was queued, or the queue was closed.
    filled: Condvar,
    /// Something was taken, or a worker ended.
    drained: Condvar,
}

impl<T> Feeder<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues one piece of work, waiting for room. `false` means that a worker failed and nothing more is wanted.
    pub fn push(&self, item: T, tick: &mut dyn FnMut()) -> bool {
        let mut state = self.state();
        if state.queue.len() >= self.capacity {
            // Half the queue must be done before more is added, so that the threads do not wake each other all the time.
            while state.queue.len() > self.capacity / 2 && state.error.is_none() && state.running > 0 {
                state.blocked = true;
                state = self.wait_drained(state, tick);
            }
            state.blocked = false;
        }
        if state.error.is_some() || state.running == 0 {
            return false;
        }
        state.queue.push_back(item);
        if state.idle > 0 {
            self.filled.notify_one();
        }
        true
    }

    fn pop(&self) -> Option<T> {
        let mut state = self.state();
        loop {
            if state.error.is_some() {
                return None;
            }
            if let Some(item) = state.queue.pop_front() {
                if state.blocked && state.queue.len() <= self.capacity / 2 {
                    self.drained.notify_one();
                }
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    fn wait_drained<'a>(&'a self, state: MutexGuard<'a, State<T>>, tick: &mut dyn FnMut()) -> MutexGuard<'a, State<T>> {
        let (state, timeout) = self.drained.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner);
        if !timeout.timed_out() {
            return state;
        }
        drop(state);
        tick();
        self.state()
    }

    fn fail(&self, error: RepoError) {
        self.state().error.get_or_insert(error);
        self.filled.notify_all();
        self.drained.notify_all();
    }

    fn close_and_wait(&self, tick: &mut dyn FnMut()) {
        self.state().closed = true;
        self.filled.notify_all();
        let mut state = self.state();
        while state.running > 0 {
            state = self.wait_drained(state, tick);
        }
    }
}

/// Counts a worker out also when it panics, so that nobody waits for it.
struct Running<'a, T>(&'a Feeder<T>);

impl<T> Drop for Running<'_, T> {
    fn drop(&mut self) {
        self.0.state().running -= 1;
        self.0.drained.notify_all();
    }
}

/// Calls `work` on `jobs` threads for everything `feed` pushes, and returns when all is done. The first error of either
/// stops both. `tick` is called now and then on the calling thread while it waits.
pub fn run<T: Send, R>(
    jobs: usize,
    work: &(dyn Fn(T) -> Result<(), RepoError> + Sync),
    tick: &mut dyn FnMut(),
    feed: impl FnOnce(&Feeder<T>, &mut dyn FnMut()) -> Result<R, RepoError>,
) -> Result<R, RepoError> {
    let jobs = jobs.max(1);
    let feeder = Feeder {
        state: Mutex::new(State {
            queue: VecDeque::new(),
            closed: false,
            running: jobs,
            idle: 0,
            blocked: false,
            error: None,
        }),
        capacity: QUEUED,
        filled: Condvar::new(),
        drained: Condvar::new(),
    };
    let fed = std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                let _running = Running(&feeder);
                while let Some(item) = feeder.pop() {
                    if let Err(error) = work(item) {
                        feeder.fail(error);
                    }
                }
            });
        }
        let fed = feed(&feeder, tick);
        if fed.is_err() {
            feeder.state().queue.clear();
        }
        feeder.close_and_wait(tick);
        fed
    });
    match feeder.state.into_inner().unwrap_or_else(PoisonError::into_inner).error {
        Some(error) => Err(error),
        None => fed,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn all_work_is_done_and_the_first_error_stops() {
        let sum = AtomicU64::new(0);
        let add = |n: u64| {
            sum.fetch_add(n, Ordering::Relaxed);
            Ok(())
        };
        let fed = run(3, &add, &mut || {}, |feeder, tick| Ok((1..=10_000).filter(|&n| feeder.push(n, tick)).count()));
        assert_eq!((fed.unwrap(), sum.into_inner()), (10_000, 50_005_000));
        let fail = |n: u64| if n == 5 { Err(RepoError::Request("five".into())) } else { Ok(()) };
        let pushed = AtomicU64::new(0);
        let result = run(2, &fail, &mut || {}, |feeder, tick| {
            pushed.store((0..1_000_000).take_while(|&n| feeder.push(n, tick)).count() as u64, Ordering::Relaxed);
            Ok(())
        });
        assert_eq!(result.unwrap_err().to_string(), "five");
        assert!(pushed.into_inner() < 1_000_000);
    }
}
