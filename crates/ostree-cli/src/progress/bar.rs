//! Progress as a bar on a terminal.

use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use ostree_container::{Event, Listener};

/// A bar for the operation that is going on.
#[derive(Default)]
pub struct Bar(Mutex<Option<Shown>>);

/// What the bar shows: what came in, and what was kept of an earlier try.
struct Shown {
    bar: ProgressBar,
    bytes: u64,
    kept: u64,
}

impl Shown {
    /// Threads count together, and tell one after another.
    fn count(&mut self, bytes: u64, kept: u64) {
        (self.bytes, self.kept) = (self.bytes.max(bytes), self.kept.max(kept));
        self.bar.set_position(self.bytes + self.kept);
    }
}

impl Listener for Bar {
    fn event(&self, event: Event) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (event, slot.as_mut()) {
            (Event::Start { task, bytes, .. }, _) => *slot = Some(Shown { bar: start(task, bytes), bytes: 0, kept: 0 }),
            (Event::Total { bytes, .. }, Some(shown)) => shown.bar.set_length(bytes),
            (Event::Layer { index, name }, Some(shown)) => {
                shown.bar.set_message(format!("layer {} {}", index + 1, short(&name)))
            }
            (Event::Bytes(bytes), Some(shown)) => shown.count(bytes, 0),
            (Event::Kept(bytes), Some(shown)) => shown.count(0, bytes),
            (Event::LayerBytes { .. }, _) => {}
            (Event::Finishing, Some(shown)) => shown.bar.set_message("finishing"),
            (Event::Done, Some(shown)) => shown.bar.finish_and_clear(),
            (_, None) => {}
        }
    }
}

fn start(task: &'static str, bytes: u64) -> ProgressBar {
    let (bar, template) = match bytes {
        0 => (ProgressBar::no_length(), "{prefix} {spinner} {decimal_bytes} ({decimal_bytes_per_sec}) {wide_msg}"),
        bytes => {
            (ProgressBar::new(bytes), "{prefix} {bar:20} {decimal_bytes}/{decimal_total_bytes} ({eta}) {wide_msg}")
        }
    };
    bar.set_prefix(task);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// The first characters of a digest are enough to tell layers apart.
fn short(name: &str) -> String {
    name.strip_prefix("sha256:").unwrap_or(name).chars().take(19).collect()
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(shown) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            shown.bar.finish_and_clear();
        }
    }
}
