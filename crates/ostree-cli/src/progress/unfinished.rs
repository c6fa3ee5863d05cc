//! Progress of work that is not over when the part is that a library does.

use ostree_container::{Event, Listener};

/// Hands on every event but the last.
pub struct Unfinished<'a>(pub &'a dyn Listener);

impl Listener for Unfinished<'_> {
    fn event(&self, event: Event) {
        if event != Event::Done {
            self.0.event(event);
        }
    }

    fn looks(&self) -> bool {
        self.0.looks()
    }
}
