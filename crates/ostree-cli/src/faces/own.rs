//! The command tree of `ostree-container` itself.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::commands::repo;
use crate::context::Context;
use crate::exit::{self, UsageError};

/// Map OSTree commits to OCI images and back
#[derive(Debug, Parser)]
#[command(name = "ostree-container", version, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    context: Context,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Work on an OSTree repository, as `ostree` does
    #[command(subcommand)]
    Repo(repo::Command),
}

/// Runs `ostree-container ARGS`: exit code 1 for failures, 2 for a command line that makes no sense.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(problem) => return usage(&problem),
    };
    let result = match &cli.command {
        Command::Repo(command) => repo::run(command, &cli.context),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => exit::report(&problem, if problem.is::<UsageError>() { 2 } else { 1 }),
    }
}

/// Prints help, a version or a usage error where clap wants it.
fn usage(problem: &clap::Error) -> ExitCode {
    // A closed stream leaves nothing to say it to.
    let _ = problem.print();
    ExitCode::from(u8::from(problem.use_stderr()) * 2)
}
