//! Progress of long operations: a bar on a terminal, JSON lines on request.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use ostree_container::{Event, Listener};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Mode {
    /// A bar, if standard error is a terminal
    #[default]
    Auto,
    /// A JSON object a line, on standard error
    Json,
    /// Nothing
    None,
}

/// The options about progress.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ProgressArgs {
    /// How progress is shown
    #[arg(long, value_enum, default_value = "auto", value_name = "HOW", overrides_with = "progress")]
    pub progress: Mode,
    /// Show no progress
    #[arg(long, overrides_with = "quiet")]
    pub quiet: bool,
}

impl ProgressArgs {
    /// Who shows the progress.
    pub fn listener(&self) -> Box<dyn Listener> {
        match self.progress {
            _ if self.quiet => Box::new(ostree_container::Silent),
            Mode::Json => Box::new(JsonLines::default()),
            Mode::Auto if std::io::stderr().is_terminal() => Box::new(Bar(Mutex::new(None))),
            Mode::Auto | Mode::None => Box::new(ostree_container::Silent),
        }
    }
}

/// One JSON object an event. A reader that went away is no reason to stop working.
#[derive(Default)]
struct JsonLines(Mutex<Told>);

/// Which number of bytes is known and which was told, and when.
#[derive(Default)]
struct Told {
    last: Option<Instant>,
    known: u64,
    told: u64,
}

/// How often the number of bytes is told.
const INTERVAL: Duration = Duration::from_millis(100);

impl JsonLines {
    /// Tells the number of bytes, if it is time to, or if `now` is set and it has changed.
    fn bytes(&self, known: Option<u64>, now: bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.known = known.unwrap_or(state.known);
        let due = now || state.last.is_none_or(|last| last.elapsed() >= INTERVAL);
        if due && state.known != state.told {
            (state.last, state.told) = (Some(Instant::now()), state.known);
            print(&serde_json::json!({"type": "bytes", "bytes": state.known}));
        }
    }
}

fn print(value: &serde_json::Value) {
    let _ = writeln!(std::io::stderr(), "{value}");
}

impl Listener for JsonLines {
    fn event(&self, event: Event) {
        match event {
            Event::Start { task, bytes, layers } => {
                print(&serde_json::json!({"type": "start", "task": task, "bytes": bytes, "layers": layers}));
            }
            Event::Layer { index, name } => {
                print(&serde_json::json!({"type": "layer", "index": index, "name": name}));
            }
            Event::Bytes(bytes) => self.bytes(Some(bytes), false),
            Event::Finishing => {
                self.bytes(None, true);
                print(&serde_json::json!({"type": "finishing"}));
            }
            Event::Done => print(&serde_json::json!({"type": "done"})),
        }
    }
}

struct Bar(Mutex<Option<ProgressBar>>);

impl Listener for Bar {
    fn event(&self, event: Event) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (event, slot.as_ref()) {
            (Event::Start { task, bytes, .. }, _) => *slot = Some(start(task, bytes)),
            (Event::Layer { index, name }, Some(bar)) => {
                bar.set_message(format!("layer {} {}", index + 1, short(&name)))
            }
            (Event::Bytes(bytes), Some(bar)) => bar.set_position(bytes),
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
