//! The commands that turn commits into images and back.

pub mod build;
pub mod commit;
pub mod compare;
pub mod convert;
pub mod digestfile;
pub mod encapsulate;
pub mod fetching;
pub mod filtered;
pub mod image;
pub mod image_options;
pub mod info;
pub mod platform;
pub mod pull;
pub mod tagged;
pub mod unencapsulate;
pub mod verify;

use anyhow::Result;

use crate::context::Context;

/// The commands that every face of the program has.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Wrap an OSTree commit into a container image
    #[command(visible_alias = "export")]
    Encapsulate(Box<encapsulate::Args>),
    /// Import an OSTree commit embedded in a container image
    #[command(visible_alias = "import")]
    Unencapsulate(Box<unencapsulate::Args>),
    /// Print information about a container image
    Info(Box<info::Args>),
    /// Compare the layers of two images
    Compare(Box<compare::Args>),
    /// Work on images that are kept with their layers
    #[command(subcommand)]
    Image(image::Command),
    /// Empty /run, /tmp, /var/tmp and /var/cache at the end of a container build
    Commit(commit::Args),
}

/// Runs one of the commands.
pub fn run(command: &Command, context: &Context) -> Result<()> {
    match command {
        Command::Encapsulate(args) => encapsulate::run(args, context),
        Command::Unencapsulate(args) => unencapsulate::run(args, context),
        Command::Info(args) => info::run(args, context),
        Command::Compare(args) => compare::run(args, context),
        Command::Image(command) => image::run(command, context),
        Command::Commit(args) => commit::run(args),
    }
}
