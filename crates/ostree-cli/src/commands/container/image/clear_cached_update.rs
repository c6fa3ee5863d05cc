//! `image clear-cached-update`: forget that there is a newer image.

use anyhow::Result;
use ostree_container::stored;

use crate::commands::container::image::list;
use crate::context::Context;
use crate::image_word::ImageWord;
use crate::short_names;

/// Forget the update that was found for a stored image
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  ostree-container image clear-cached-update --repo repo docker://registry.example.com/os:stable"
)]
pub struct Args {
    /// The stored image, e.g. registry:registry.example.com/os:latest
    #[arg(value_name = "IMGREF")]
    imgref: ImageWord,
}

/// Removes the record, and prints nothing.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_writable()?;
    let imgref = short_names::stored(&args.imgref.0, &repo, context)?;
    let image = list::open(&repo, &imgref)?;
    stored::clear_cached_update(&repo, &image.commit)?;
    Ok(())
}
