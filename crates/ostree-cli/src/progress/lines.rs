//! Progress as lines, written by a thread of their own: a reader that is slow or gone does not stop the work.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ostree_container::{Event, Listener};
use serde_json::Value;

/// How often the number of bytes is told while it changes.
const INTERVAL: Duration = Duration::from_millis(100);
/// After what time without a line the last state is told again.
const REPEAT: Duration = Duration::from_millis(500);
/// How long the end of the work waits for a reader to take the last lines.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the lines are like.
pub trait Shape: Send {
    /// Takes an event; gives the lines that are told at once.
    fn event(&mut self, event: Event) -> Vec<Value>;

    /// How far the work is, unless that was told already.
    fn moved(&mut self) -> Option<Value>;

    /// How far the work is, told already or not; `None` once it is over.
    fn again(&self) -> Option<Value>;
}

/// Tells everything in lines.
pub struct Lines(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    shape: Box<dyn Shape>,
    /// Lines that wait. There are no more than a few for each layer.
    waiting: VecDeque<Value>,
    /// Whether no event will come any more.
    over: bool,
    /// Whether the writer has written everything.
    written: bool,
}

impl Lines {
    /// Writes to `out` from now on.
    ///
    /// # Errors
    /// There can be no more threads.
    pub fn new(shape: Box<dyn Shape>, out: impl Write + Send + 'static) -> io::Result<Self> {
        let state = State { shape, waiting: VecDeque::new(), over: false, written: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let writer = Arc::clone(&shared);
        std::thread::Builder::new().name("progress".to_owned()).spawn(move || writer.write(out))?;
        Ok(Self(shared))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, mut out: impl Write) {
        let mut last = Instant::now();
        loop {
            let (lines, over) = self.next(last);
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            if !text.is_empty() {
                // A reader that went away is no reason to stop working.
                let _ = out.write_all(text.as_bytes());
                last = Instant::now();
            }
            if over {
                self.lock().written = true;
                self.changed.notify_all();
                return;
            }
        }
    }

    /// The lines that are due, and whether they are the last ones.
    fn next(&self, last: Instant) -> (Vec<Value>, bool) {
        let mut state = self.lock();
        if state.waiting.is_empty() && !state.over {
            (state, _) = self.changed.wait_timeout(state, INTERVAL).unwrap_or_else(PoisonError::into_inner);
        }
        let mut lines = Vec::from(std::mem::take(&mut state.waiting));
        lines.extend(std::iter::from_fn(|| state.shape.moved()));
        if lines.is_empty() && !state.over && last.elapsed() >= REPEAT {
            lines.extend(state.shape.again());
        }
        (lines, state.over)
    }
}

impl Listener for Lines {
    fn event(&self, event: Event) {
        let mut state = self.0.lock();
        let lines = state.shape.event(event);
        if !lines.is_empty() {
            state.waiting.extend(lines);
            self.0.changed.notify_all();
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.over = true;
        self.0.changed.notify_all();
        let writing = |state: &mut State| !state.written;
        let _ = self.0.changed.wait_timeout_while(state, PATIENCE, writing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::plain::Plain;
    use std::io::{BufRead, BufReader};

    #[test]
    fn a_silent_phase_is_told_again() {
        let (reader, writer) = io::pipe().unwrap();
        let lines = Lines::new(Box::new(Plain::default()), writer).unwrap();
        let mut read = BufReader::new(reader).lines().map(|line| line.unwrap());
        assert_eq!(read.next().unwrap(), r#"{"type":"preparing"}"#);
        lines.event(Event::Start { task: "importing", bytes: 4, layers: 1 });
        lines.event(Event::Bytes(3));
        for _ in 0..2 {
            let same = r#"{"bytes":3,"total":4,"type":"bytes"}"#;
            assert!(read.by_ref().any(|line| line == same));
        }
        lines.event(Event::Finishing);
        lines.event(Event::Done);
        drop(lines);
        let rest: Vec<String> = read.collect();
        assert_eq!(rest.last().map(String::as_str), Some(r#"{"type":"done"}"#));
    }

    #[test]
    fn a_reader_that_takes_nothing_does_not_stop_the_work() {
        let (reader, writer) = io::pipe().unwrap();
        let lines = Lines::new(Box::new(Plain::default()), writer).unwrap();
        for index in 0..10_000 {
            lines.event(Event::Layer { index, name: "a layer with a name".into() });
        }
        drop(lines);
        drop(reader);
    }
}
