//! The command tree of `ostree-container` itself.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser};

use crate::commands::container::{build, convert, pull, verify};
use crate::commands::{container, generate, repo, tar};
use crate::context::Context;
use crate::exit;

const EXAMPLES: &str = "Examples:
  Make a repository, commit a directory tree, and wrap the commit into an image:
    ostree-container repo init --repo repo --mode bare-user
    ostree-container repo commit --repo repo --branch os/stable --tree dir=rootfs
    ostree-container build --repo repo --ref os/stable --oci-dir image

  Take the commit out of the image again, on another machine:
    ostree-container repo init --repo repo2 --mode archive
    ostree-container pull --repo repo2 --ref os/stable oci:image

  Follow an image that was derived from it, with all its layers:
    ostree-container image pull repo docker://registry.example.com/os:mine

  Called by the name `ostree` or `ostree-ext-cli` (a symlink is enough), the program
  has the command line of the program of that name.";

/// Map OSTree commits to OCI images and back
#[derive(Debug, Parser)]
#[command(name = "ostree-container", version, after_help = format!("{EXAMPLES}\n\n{}", exit::CODES))]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    context: Context,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Build a container image from an OSTree commit
    Build(Box<build::Args>),
    /// Pull the OSTree commit of a container image into a repository
    Pull(pull::Args),
    // What it is about stands with its arguments, in more than one line.
    Convert(Box<convert::Args>),
    /// Tell whether the container policy lets an image in
    Verify(Box<verify::Args>),
    /// The commands that all faces have
    #[command(flatten)]
    Container(container::Command),
    /// Turn commits into tar streams and back
    #[command(subcommand)]
    Tar(tar::Command),
    /// Work on an OSTree repository, as `ostree` does
    #[command(subcommand)]
    Repo(repo::Command),
    /// Print a completion script for a shell
    #[command(hide = true)]
    Completions(generate::CompletionsArgs),
    /// Write the man pages
    #[command(hide = true)]
    Man(generate::ManArgs),
}

/// Runs `ostree-container ARGS`: exit code 1 for failures, 2 for a command line that makes no sense, 3 when as
/// many bytes were fetched as may be.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(mut cli) => {
            cli.context.short_names = true;
            cli
        }
        Err(problem) => return exit::clap_words(&problem),
    };
    match dispatch(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => exit::report(&problem, exit::code(&problem)),
    }
}

fn dispatch(cli: &Cli) -> Result<()> {
    let context = &cli.context;
    match &cli.command {
        Command::Build(args) => build::run(args, context),
        Command::Pull(args) => pull::run(args, context),
        Command::Convert(args) => convert::run(args, context),
        Command::Verify(args) => verify::run(args, context),
        Command::Container(command) => container::run(command, context),
        Command::Tar(command) => tar::run(command, context),
        Command::Repo(command) => repo::run(command, context),
        Command::Completions(args) => generate::completions(args, Cli::command()),
        Command::Man(args) => generate::man(args, Cli::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_tells_what_administrators_ask_for() {
        let help = |words: &[&str]| {
            let words = ["ostree-container"].iter().chain(words).chain(&["--help"]);
            Cli::try_parse_from(words).unwrap_err().to_string().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert!(help(&[]).contains(exit::CODES));
        assert!(help(&["convert"]).contains("in $TMPDIR if that is set"));
        assert!(help(&["image", "reexport"]).contains("the image has its old digest"));
        for verb in [
            &["pull"][..],
            &["info"],
            &["compare"],
            &["convert"],
            &["verify"],
            &["unencapsulate"],
            &["image", "pull"],
            &["image", "plan"],
        ] {
            for name in ["CONTAINERS_STORAGE_CONF", "$XDG_CONFIG_HOME/containers/storage.conf", "STORAGE_DRIVER"] {
                assert!(help(verb).contains(name), "{verb:?} {name}");
            }
        }
    }
}
