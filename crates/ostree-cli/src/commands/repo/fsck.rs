//! `fsck`: verify the repository.

use std::io::{IsTerminal, Write};

use anyhow::Result;
use ostree_repo::fsck::{FsckEvent, FsckOptions, fsck};

use crate::context::Context;
use crate::output::{Output, line};

/// Check the repository for consistency
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Add tombstones for missing commits
    #[arg(long)]
    add_tombstones: bool,
    /// Only print error messages
    #[arg(short, long)]
    quiet: bool,
    /// Don't stop on first error
    #[arg(short, long)]
    all: bool,
    /// Remove corrupted objects
    #[arg(long)]
    delete: bool,
    /// Verify ref bindings
    #[arg(long)]
    verify_bindings: bool,
    /// Verify back-references (implies --verify-bindings)
    #[arg(long)]
    verify_back_refs: bool,
}

/// Verifies everything; the verdict is the last line or the error.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let options = FsckOptions {
        all: args.all,
        delete: args.delete,
        add_tombstones: args.add_tombstones,
        verify_bindings: args.verify_bindings,
        verify_back_refs: args.verify_back_refs,
        jobs: None,
    };
    let on_terminal = std::io::stdout().is_terminal();
    let mut written = Ok(());
    let report = fsck(&repo, &options, &mut |event| {
        if event.is_problem() {
            eprintln!("{event}");
        } else if written.is_ok()
            && !(args.quiet && (event.is_chatter() || matches!(event, FsckEvent::Progress { .. })))
        {
            written = show(event, on_terminal);
        }
    })?;
    written?;
    line(report.verdict()?)
}

/// Progress overwrites itself on a terminal; elsewhere the end of it is enough.
fn show(event: &FsckEvent, on_terminal: bool) -> Result<()> {
    match event {
        FsckEvent::Progress { done, total } => {
            let is_end = *total == Some(*done);
            if on_terminal {
                let mut out = Output::stdout();
                write!(out, "\r\x1b[K{event}{}", if is_end { "\n" } else { "" })?;
                out.flush()?;
            } else if is_end {
                line(event)?;
            }
            Ok(())
        }
        _ => line(event),
    }
}
