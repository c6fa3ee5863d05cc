//! Progress of long operations: a bar on a terminal, JSON lines on request.

mod bar;
mod bootc;
mod descriptor;
mod lines;
mod plain;
mod unfinished;

use std::io::IsTerminal;

use anyhow::Result;
use ostree_container::{Listener, Silent};

use bar::Bar;
use bootc::Bootc;
use lines::{Lines, Shape};
use plain::Plain;
pub use unfinished::Unfinished;

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

/// What the lines on a descriptor are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// As with --progress json
    #[default]
    Json,
    /// As org.containers.bootc.progress/v1 has it
    Bootc,
}

/// The options about progress.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ProgressArgs {
    /// How progress is shown
    #[arg(long, value_enum, default_value = "auto", value_name = "HOW", overrides_with = "progress")]
    pub progress: Mode,
    /// Write progress to the open file descriptor N, a JSON object a line, and show none otherwise
    #[arg(long, value_name = "N", overrides_with = "progress_fd", value_parser = clap::value_parser!(i32).range(0..))]
    pub progress_fd: Option<i32>,
    /// What is written to the descriptor
    #[arg(
        long,
        value_enum,
        default_value = "json",
        value_name = "SHAPE",
        overrides_with = "progress_format",
        requires = "progress_fd"
    )]
    pub progress_format: Format,
    /// Show no progress
    #[arg(long, overrides_with = "quiet")]
    pub quiet: bool,
}

impl ProgressArgs {
    /// Who shows the progress of work on the image `what`. From now on there is a line at least twice a second, where lines
    /// were asked for.
    pub fn listener(&self, what: &str) -> Result<Box<dyn Listener>> {
        self.listener_for("pulling", what)
    }

    /// The same, where it is known beforehand that the image is not pulled.
    pub fn listener_for(&self, task: &'static str, what: &str) -> Result<Box<dyn Listener>> {
        if let Some(number) = self.progress_fd {
            let shape: Box<dyn Shape> = match self.progress_format {
                Format::Json => Box::new(Plain::default()),
                Format::Bootc => Box::new(Bootc::new(task, what)),
            };
            return Ok(Box::new(Lines::new(shape, descriptor::open(number)?)?));
        }
        Ok(match self.progress {
            _ if self.quiet => Box::new(Silent),
            Mode::Json => Box::new(Lines::new(Box::new(Plain::default()), std::io::stderr())?),
            Mode::Auto if std::io::stderr().is_terminal() => Box::new(Bar::default()),
            Mode::Auto | Mode::None => Box::new(Silent),
        })
    }
}
