//! `image replace-detached-metadata`: new detached metadata (a signature, say) for the commit in an image.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use ostree_container::detach::{DetachOptions, replace_detached_metadata};

use crate::commands::container::platform::PlatformArgs;
use crate::context::Context;
use crate::image_word::ImageWord;
use crate::images::RegistryArgs;
use crate::output::line;
use crate::progress::ProgressArgs;
use crate::short_names;

/// Replace the detached metadata of the commit in an image
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  ostree-container image replace-detached-metadata --src oci:image --dest oci:signed commitmeta"
)]
pub struct Args {
    /// The image to read
    #[arg(long, value_name = "IMGREF")]
    src: ImageWord,
    /// The image to write
    #[arg(long, value_name = "IMGREF")]
    dest: ImageWord,
    /// How registries are reached
    #[command(flatten)]
    registry: RegistryArgs,
    /// Which image of an index is meant
    #[command(flatten)]
    platform: PlatformArgs,
    /// How many threads compress (default: one a processor)
    #[arg(long, value_name = "N", overrides_with = "jobs")]
    jobs: Option<NonZeroUsize>,
    /// How progress is shown
    #[command(flatten)]
    progress: ProgressArgs,
    /// File with the new detached metadata, a serialised a{sv}; without it, the image will have none
    #[arg(value_name = "CONTENTS")]
    contents: Option<PathBuf>,
}

/// Prints the digest of the new image.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let dest = short_names::to_write(&args.dest.0, context)?;
    let listener = args.progress.listener(&dest.to_string())?;
    let contents = match &args.contents {
        Some(path) => Some(std::fs::read(path).with_context(|| format!("reading {}", path.display()))?),
        None => None,
    };
    let source = args.registry.admitted(&short_names::to_read(&args.src.0, &args.registry, context)?)?;
    let sink = args.registry.sink(&dest)?;
    let options = DetachOptions { platform: args.platform.named(), jobs: args.jobs };
    let digest = replace_detached_metadata(&*source, &*sink, contents.as_deref(), &options, &*listener)?;
    line(format_args!("Pushed: {digest}"))
}
