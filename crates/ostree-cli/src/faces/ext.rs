//! The command tree of `ostree-ext-cli`.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::commands::container::{encapsulate, image, info, unencapsulate};
use crate::commands::tar;
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
    Container(Container),
}

/// The image commands under `container`.
#[derive(Debug, clap::Subcommand)]
pub enum Container {
    /// Import an ostree commit embedded in a container image
    #[command(alias = "import")]
    Unencapsulate(unencapsulate::Args),
    /// Print information about an exported ostree-container image
    Info(info::Args),
    /// Wrap an ostree commit into a container image
    #[command(alias = "export")]
    Encapsulate(Box<encapsulate::Args>),
    /// Work on images that are kept with their layers
    #[command(subcommand)]
    Image(image::Command),
}

/// Runs one of the image commands.
pub fn container(command: &Container, context: &Context) -> Result<()> {
    match command {
        Container::Unencapsulate(args) => unencapsulate::run(args, context),
        Container::Info(args) => info::run(args),
        Container::Image(command) => image::run(command, context),
        Container::Encapsulate(args) => encapsulate::run(args, context),
    }
}

/// Runs `ostree-ext-cli ARGS`: exit code 1 for failures, 2 for a command line that makes no sense.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(problem) => return exit::clap_words(&problem),
    };
    if let Command::Container(
        Container::Unencapsulate(unencapsulate::Args { imgref, .. }) | Container::Info(info::Args { imgref, .. }),
    ) = &cli.command
        && let Some(problem) = imgref.scheme_problem()
    {
        return exit::clap_words(&Cli::command().error(ErrorKind::ValueValidation, problem));
    }
    let result = match &cli.command {
        Command::Tar(command) => tar::run(command, &cli.context),
        Command::Container(command) => container(command, &cli.context),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => exit::report(&problem, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }
}
