//! Progress lines in our own words.

use ostree_container::Event;
use serde_json::{Value, json};

use crate::progress::lines::Shape;

/// Where the operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// It is not known yet what there is to do.
    #[default]
    Preparing,
    /// Bytes come in.
    Running,
    /// What came is being made durable.
    Finishing,
    /// It is over.
    Done,
}

/// `start`, `layer`, `bytes`, `finishing`, `done`; and `preparing`, where the start takes its time. What was kept of an
/// earlier try is told apart from the bytes that come in; together they make the total.
#[derive(Debug, Default)]
pub struct Plain {
    phase: Phase,
    total: u64,
    bytes: u64,
    kept: u64,
    told: (u64, u64),
}

impl Plain {
    fn count(&self) -> Value {
        let mut count = json!({"type": "bytes", "bytes": self.bytes, "total": self.total});
        if self.kept > 0 {
            count["kept"] = self.kept.into();
        }
        count
    }
}

impl Shape for Plain {
    fn event(&mut self, event: Event) -> Vec<Value> {
        match event {
            Event::Start { task, bytes, layers } => {
                *self = Self { phase: Phase::Running, total: bytes, ..Self::default() };
                vec![json!({"type": "start", "task": task, "bytes": bytes, "layers": layers})]
            }
            Event::Total { bytes, .. } => {
                self.total = bytes;
                Vec::new()
            }
            Event::Layer { index, name } => vec![json!({"type": "layer", "index": index, "name": name})],
            Event::Bytes(bytes) => {
                // Threads count together, and tell one after another.
                self.bytes = self.bytes.max(bytes);
                Vec::new()
            }
            Event::Kept(bytes) => {
                self.kept = self.kept.max(bytes);
                Vec::new()
            }
            Event::LayerBytes { .. } => Vec::new(),
            Event::Finishing => {
                self.phase = Phase::Finishing;
                self.moved().into_iter().chain([json!({"type": "finishing"})]).collect()
            }
            Event::Done => {
                self.phase = Phase::Done;
                vec![json!({"type": "done"})]
            }
        }
    }

    fn moved(&mut self) -> Option<Value> {
        let now = (self.bytes, self.kept);
        (std::mem::replace(&mut self.told, now) != now).then(|| self.count())
    }

    fn again(&self) -> Option<Value> {
        match self.phase {
            Phase::Preparing => Some(json!({"type": "preparing"})),
            Phase::Running => Some(self.count()),
            Phase::Finishing => Some(json!({"type": "finishing"})),
            Phase::Done => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_never_go_back_and_are_told_before_the_end() {
        let mut shape = Plain::default();
        assert_eq!(shape.again(), Some(json!({"type": "preparing"})));
        shape.event(Event::Start { task: "importing", bytes: 9, layers: 2 });
        assert_eq!(shape.moved(), None);
        shape.event(Event::Bytes(7));
        shape.event(Event::Bytes(5));
        let seven = json!({"type": "bytes", "bytes": 7, "total": 9});
        assert_eq!((shape.moved(), shape.moved()), (Some(seven.clone()), None));
        assert_eq!(shape.again(), Some(seven));
        shape.event(Event::Kept(2));
        let nine = json!({"type": "bytes", "bytes": 7, "kept": 2, "total": 9});
        assert_eq!(shape.event(Event::Finishing), [nine, json!({"type": "finishing"})]);
        assert_eq!(shape.again(), Some(json!({"type": "finishing"})));
        shape.event(Event::Done);
        assert_eq!(shape.again(), None);
    }
}
