//! What is being done, as values for whoever wants to show it.

/// Something that happened. Byte counts are cumulative within one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The operation knows how much there is to do: uncompressed bytes of layers that are written, stored bytes of those that
    /// are read or copied. [`Event::Bytes`] and [`Event::Kept`] together do not pass that, and reach it.
    Start {
        /// What is being done, as in "encapsulating".
        task: &'static str,
        /// How many bytes there are; 0 where that is not known, as where nobody [looks](Listener::looks).
        bytes: u64,
        /// How many layers there are.
        layers: usize,
    },
    /// There is more or less to do than was said at the start, as where the second half depends on what the first gives.
    Total {
        /// How many bytes there are in all.
        bytes: u64,
        /// How many layers there are in all.
        layers: usize,
    },
    /// A layer was begun.
    Layer {
        /// Which one, counted from 0.
        index: usize,
        /// Its digest, or what it is to hold.
        name: String,
    },
    /// So many bytes of the body of one layer have come in, or were written.
    LayerBytes {
        /// Which one, as in [`Event::Layer`].
        index: usize,
        /// How many.
        bytes: u64,
        /// How many there will be; 0 where that is known at the end only.
        size: u64,
    },
    /// So many bytes are done, those of [`Event::Kept`] not among them.
    Bytes(u64),
    /// So many bytes were at hand from an earlier try, and need not come in.
    Kept(u64),
    /// Everything is written and is being made durable.
    Finishing,
    /// The operation is over.
    Done,
}

/// Takes events. It cannot make the operation fail, and must return quickly: the work waits for it.
pub trait Listener: Sync {
    /// Takes one event.
    fn event(&self, event: Event);

    /// Whether anybody looks at the events. If not, nothing is found out for their sake that takes time.
    fn looks(&self) -> bool {
        true
    }
}

/// A listener that shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Listener for Silent {
    fn event(&self, _: Event) {}

    fn looks(&self) -> bool {
        false
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Keeps what it is told.
    #[derive(Default)]
    pub struct Told(pub Mutex<Vec<Event>>);

    impl Listener for Told {
        fn event(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }
    }
}
