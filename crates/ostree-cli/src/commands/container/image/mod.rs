//! The commands about images that are kept with their layers.

pub mod clear_cached_update;
pub mod copy;
pub mod history;
pub mod list;
pub mod metadata;
pub mod plan;
pub mod prune_images;
pub mod prune_layers;
pub mod pull;
pub mod reexport;
pub mod remove;
pub mod replace_detached_metadata;
pub mod report;
pub mod target;

use anyhow::Result;

use crate::context::Context;

/// The group `image`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List stored images
    List(list::Args),
    /// Pull an image with all its layers, or update it
    Pull(Box<pull::Args>),
    /// Tell what pulling an image would take, and whether it fits
    Plan(Box<plan::Args>),
    /// Show the layers of a stored image and how they were made
    History(history::Args),
    /// Print the manifest or configuration of a stored image
    Metadata(metadata::Args),
    /// Copy a stored image from one repository to another
    Copy(copy::Args),
    // What it is about stands with its arguments, in more than one line.
    Reexport(Box<reexport::Args>),
    /// Remove stored images, and the layers that no other image has
    Remove(remove::Args),
    /// Remove the layers that no image needs
    PruneLayers(prune_layers::Args),
    /// Remove the images that no deployment of a system root follows
    PruneImages(prune_images::Args),
    /// Replace the detached metadata of the commit in an image
    ReplaceDetachedMetadata(Box<replace_detached_metadata::Args>),
    /// Forget the update that was found for a stored image
    ClearCachedUpdate(clear_cached_update::Args),
}

/// Runs one of the commands.
pub fn run(command: &Command, context: &Context) -> Result<()> {
    match command {
        Command::List(args) => list::run(args, context),
        Command::Pull(args) => pull::run(args, context),
        Command::Plan(args) => plan::run(args, context),
        Command::History(args) => history::run(args, context),
        Command::Metadata(args) => metadata::run(args, context),
        Command::Copy(args) => copy::run(args, context),
        Command::Reexport(args) => reexport::run(args, context),
        Command::Remove(args) => remove::run(args, context),
        Command::PruneLayers(args) => prune_layers::run(args, context),
        Command::PruneImages(args) => prune_images::run(args),
        Command::ReplaceDetachedMetadata(args) => replace_detached_metadata::run(args, context),
        Command::ClearCachedUpdate(args) => clear_cached_update::run(args, context),
    }
}
