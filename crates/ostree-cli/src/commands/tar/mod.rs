//! The commands that turn commits into tar streams and back.

pub mod export;
pub mod import;

use anyhow::Result;

use crate::context::Context;

/// One of the tar commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Import a tar stream that holds an OSTree commit
    Import(import::Args),
    /// Write a commit to standard output, as a tar stream that can be imported again
    Export(export::Args),
}

/// Runs the command.
pub fn run(command: &Command, context: &Context) -> Result<()> {
    match command {
        Command::Import(args) => import::run(args, context),
        Command::Export(args) => export::run(args, context),
    }
}
