//! Progress of an operation that consists of others, one after another.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::progress::{Event, Listener};

/// Hands on the events of several operations as those of one: it starts once and ends once, and its bytes go on.
pub struct Stages<'a> {
    listener: &'a dyn Listener,
    task: &'static str,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    begun: bool,
    last: bool,
    /// What is known of the stages to come.
    expected: (u64, usize),
    /// What the stages before this one had: bytes that came, bytes that were at hand, layers.
    before: (u64, u64, usize),
    /// The same, this one's too.
    now: (u64, u64, usize),
}

impl<'a> Stages<'a> {
    /// The operation `task`. Of the stages after the first one it is known that they have so many bytes and layers.
    pub fn new(listener: &'a dyn Listener, task: &'static str, expected: (u64, usize)) -> Self {
        let state = State { expected, ..State::default() };
        Self { listener, task, state: Mutex::new(state) }
    }

    /// Says that the next stage is the last one.
    pub fn last(&self) {
        let mut state = self.state();
        (state.last, state.expected) = (true, (0, 0));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Stages<'_> {
    fn event(&self, event: Event) {
        let mut state = self.state();
        let (came, kept, above) = state.before;
        let event = match event {
            Event::Start { bytes, layers, .. } => {
                state.before = state.now;
                let (came, kept, above) = state.before;
                state.now.2 = above + layers;
                let bytes = came.saturating_add(kept).saturating_add(bytes).saturating_add(state.expected.0);
                let layers = above + layers + state.expected.1;
                match std::mem::replace(&mut state.begun, true) {
                    false => Event::Start { task: self.task, bytes, layers },
                    true => Event::Total { bytes, layers },
                }
            }
            Event::Bytes(bytes) => {
                state.now.0 = state.now.0.max(came.saturating_add(bytes));
                Event::Bytes(state.now.0)
            }
            Event::Kept(bytes) => {
                state.now.1 = state.now.1.max(kept.saturating_add(bytes));
                Event::Kept(state.now.1)
            }
            Event::Layer { index, name } => Event::Layer { index: above + index, name },
            Event::LayerBytes { index, bytes, size } => Event::LayerBytes { index: above + index, bytes, size },
            Event::Finishing | Event::Done if !state.last => return,
            other => other,
        };
        drop(state);
        self.listener.event(event);
    }

    fn looks(&self) -> bool {
        self.listener.looks()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::tests::Told;

    #[test]
    fn two_stages_are_told_as_one_operation() {
        let told = Told::default();
        let stages = Stages::new(&told, "both", (7, 1));
        let start = |task, bytes, layers| Event::Start { task, bytes, layers };
        let layer = |index| Event::Layer { index, name: String::new() };
        for event in [start("one", 10, 2), layer(1), Event::Kept(4), Event::Bytes(6), Event::Finishing, Event::Done] {
            stages.event(event);
        }
        stages.last();
        for event in [start("two", 20, 1), layer(0), Event::Bytes(5), Event::Bytes(20), Event::Finishing, Event::Done] {
            stages.event(event);
        }
        let total = Event::Total { bytes: 30, layers: 3 };
        let first = [start("both", 17, 3), layer(1), Event::Kept(4), Event::Bytes(6), total];
        let second = [layer(2), Event::Bytes(11), Event::Bytes(26), Event::Finishing, Event::Done];
        assert_eq!(told.0.into_inner().unwrap(), [&first[..], &second[..]].concat());
    }
}
