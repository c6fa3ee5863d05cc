//! A stack of tasks that several threads work off, each task adding more.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::RepoError;

/// Tasks not begun yet. The last one added is the first one taken: a tree is walked depth first, which bounds how many
/// directories are open and how many names are waiting.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    wake: Condvar,
}

struct State<T> {
    tasks: Vec<T>,
    /// Tasks being worked on, which may still add some.
    running: usize,
    error: Option<RepoError>,
}

impl<T: Send> Queue<T> {
    /// Works off `first` and everything that comes of it with `threads` threads. The first error ends the work.
    pub fn run(
        first: T,
        threads: usize,
        work: impl Fn(T, &Self) -> Result<(), RepoError> + Sync,
    ) -> Result<(), RepoError> {
        let state = State { tasks: vec![first], running: 0, error: None };
        let queue = Self { state: Mutex::new(state), wake: Condvar::new() };
        std::thread::scope(|scope| {
            for _ in 1..threads.max(1) {
                scope.spawn(|| queue.work(&work));
            }
            queue.work(&work);
        });
        match queue.state.into_inner().unwrap_or_else(PoisonError::into_inner).error {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Adds tasks.
    pub fn push(&self, tasks: impl IntoIterator<Item = T>) {
        let mut state = self.lock();
        let before = state.tasks.len();
        state.tasks.extend(tasks);
        let added = state.tasks.len() - before;
        drop(state);
        match added {
            0 => {}
            1 => self.wake.notify_one(),
            _ => self.wake.notify_all(),
        }
    }

    fn work(&self, work: &impl Fn(T, &Self) -> Result<(), RepoError>) {
        // A panic in a task must not leave the other threads waiting for it.
        let mut guard = StopOnPanic { queue: self, armed: true };
        while let Some(task) = self.take() {
            let result = work(task, self);
            let mut state = self.lock();
            state.running -= 1;
            if let Err(error) = result {
                state.tasks.clear();
                state.error.get_or_insert(error);
            }
            if state.tasks.is_empty() && state.running == 0 {
                self.wake.notify_all();
            }
        }
        guard.armed = false;
    }

    /// The next task; `None` when there is none and none can come any more.
    fn take(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if state.error.is_some() {
                return None;
            }
            if let Some(task) = state.tasks.pop() {
                state.running += 1;
                return Some(task);
            }
            if state.running == 0 {
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct StopOnPanic<'q, T: Send> {
    queue: &'q Queue<T>,
    armed: bool,
}

impl<T: Send> Drop for StopOnPanic<'_, T> {
    fn drop(&mut self) {
        if self.armed {
            let mut state = self.queue.lock();
            state.tasks.clear();
            state.running = 0;
            state.error.get_or_insert(RepoError::Request("a worker thread failed".into()));
            drop(state);
            self.queue.wake.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn every_task_is_done_once() {
        for threads in [1, 4] {
            let done = AtomicU64::new(0);
            let result = Queue::run(10u32, threads, |depth, queue| {
                done.fetch_add(1, Ordering::Relaxed);
                queue.push((0..2).filter(|_| depth > 0).map(|_| depth - 1));
                Ok(())
            });
            result.unwrap();
            assert_eq!(done.into_inner(), 2047);
        }
    }

    #[test]
    fn the_first_error_ends_the_work() {
        for threads in [1, 4] {
            let result = Queue::run(0u32, threads, |n, queue| {
                if n == 5 {
                    return Err(RepoError::Request("five".into()));
                }
                queue.push([n + 1]);
                Ok(())
            });
            assert_eq!(result.unwrap_err().to_string(), "five");
        }
    }
}
