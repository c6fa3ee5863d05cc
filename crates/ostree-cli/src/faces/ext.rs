//! The command tree of `ostree-ext-cli`.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::commands::{container, tar};
use crate::context::Context;
use crate::exit;

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
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(problem) => return exit::clap_words(&problem),
    };
    if let Some(problem) = scheme_problem(&cli.command) {
        return exit::clap_words(&Cli::command().error(ErrorKind::ValueValidation, problem));
    }
    let result = match &cli.command {
        Command::Tar(command) => tar::run(command, &cli.context),
        Command::Container(command) => container::run(command, &cli.context),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => exit::report(&problem, exit::code(&problem)),
    }
}

/// What is wrong with the first image that has no signature scheme.
fn scheme_problem(command: &Command) -> Option<String> {
    let Command::Container(command) = command else { return None };
    command.signed_references().into_iter().find_map(|(argument, reference)| reference.scheme_problem(argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }
}
