//! Progress as a bar on a terminal.

use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use ostree_container::{Event, Listener};

/// A bar for the operation that is going on.
#[derive(Default)]
pub struct Bar(Mutex<Option<ProgressBar>>);

impl Listener for Bar {
    fn event(&self, event: Event) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (event, slot.as_ref()) {
            (Event::Start { task, bytes, .. }, _) => *slot = Some(start(task, bytes)),
            (Event::Layer { index, name }, Some(bar)) => {
                bar.set_message(format!("layer {} {}", index + 1, short(&name)))
            }
            // Threads count together, and tell one after another.
            (Event::Bytes(bytes), Some(bar)) if bytes > bar.position() => bar.set_position(bytes),
            (Event::Bytes(_) | Event::LayerBytes { .. }, _) => {}
            (Event::Finishing, Some(bar)) => bar.set_message("finishing"),
            (Event::Done, Some(bar)) => bar.finish_and_clear(),
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
        if let Some(bar) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}
