//! Progress that ends at the total that was said beforehand, and not past it.

use crate::progress::{Event, Listener};

/// Hands on events. Bytes beyond the total, as of a layer that is written again, do not count; those that are missing at the
/// end do.
pub struct Bounded<'a> {
    listener: &'a dyn Listener,
    /// The bytes that others have counted before.
    before: u64,
    total: u64,
}

impl<'a> Bounded<'a> {
    /// Hands on events about `bytes` bytes, which come after `before` others.
    pub fn new(listener: &'a dyn Listener, before: u64, bytes: u64) -> Self {
        Self { listener, before, total: before.saturating_add(bytes) }
    }

    /// How many bytes there are, with those before.
    pub fn total(&self) -> u64 {
        self.total
    }
}

impl Listener for Bounded<'_> {
    fn event(&self, event: Event) {
        match event {
            // Nobody looks.
            Event::Bytes(_) | Event::Finishing if !self.looks() => {}
            Event::Bytes(bytes) => {
                self.listener.event(Event::Bytes(self.before.saturating_add(bytes).min(self.total)));
            }
            Event::Finishing => {
                self.listener.event(Event::Bytes(self.total));
                self.listener.event(Event::Finishing);
            }
            other => self.listener.event(other),
        }
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
    fn too_much_does_not_count_and_too_little_does() {
        for (last, end) in [(90, 1060), (20, 1020)] {
            let told = Told::default();
            let bounded = Bounded::new(&told, 1000, 60);
            assert_eq!(bounded.total(), 1060);
            for event in [Event::Bytes(4), Event::Bytes(last), Event::Finishing] {
                bounded.event(event);
            }
            let told = told.0.into_inner().unwrap();
            assert_eq!(told, [Event::Bytes(1004), Event::Bytes(end), Event::Bytes(1060), Event::Finishing]);
        }
    }
}
