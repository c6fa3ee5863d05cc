//! The command tree of `ostree-ext-cli`.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::commands::{container, tar};
use crate::context::Context;
use crate::exit;
use crate::image_word::full_names_only;

/// Extend ostree with containers
#[derive(Debug, Parser)]
#[command(name = "ostree-ext", subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    context: Context,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Import and export to tar
    #[command(subcommand)]
    Tar(tar::Command),
    /// Import and export to a container image
    #[command(subcommand)]
    Container(container::Command),
}

/// Runs `ostree-ext-cli ARGS`: exit code 1 for failures, 2 for a command line that makes no sense, 3 when as
/// many bytes were fetched as may be.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let parsed = full_names_only(Cli::command()).try_get_matches_from(args);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(problem) => return exit::clap_words(&problem),
    };
    let result = match &cli.command {
        Command::Tar(command) => tar::run(command, &cli.context),
        Command::Container(command) => container::run(command, &cli.context),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => exit::report(&problem, exit::code(&problem)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        full_names_only(Cli::command()).debug_assert();
    }
}
