//! `image remove`: images that are no longer wanted.

use anyhow::{Result, bail};
use oci_image::ImageReference;
use ostree_container::stored::{self, RemoveOptions};

use crate::commands::container::image::report;
use crate::context::Context;
use crate::image_word::ImageWord;
use crate::output::line;
use crate::short_names;

/// Remove stored images, and the layers that no other image has
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  ostree-container image remove --repo repo --dry-run docker://registry.example.com/os:stable"
)]
pub struct Args {
    /// Leave the layers alone
    #[arg(long, overrides_with = "skip_gc")]
    skip_gc: bool,
    /// Change nothing, and tell what would be removed and how much a prune would free then
    #[arg(short = 'n', long, overrides_with = "dry_run")]
    dry_run: bool,
    /// Print a JSON object
    #[arg(long, overrides_with = "json")]
    json: bool,
    /// The images, e.g. registry:registry.example.com/os:latest
    #[arg(value_name = "IMGREF")]
    imgrefs: Vec<ImageWord>,
}

/// Prints how many images and layers went. Images that are missing are an error once the others are gone.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = if args.dry_run { context.open_repo()? } else { context.open_writable()? };
    let options = RemoveOptions { skip_gc: args.skip_gc, dry_run: args.dry_run };
    let images: Vec<ImageReference> =
        args.imgrefs.iter().map(|image| short_names::stored(&image.0, &repo, context)).collect::<Result<_>>()?;
    let removed = stored::remove(&repo, &images, options)?;
    if !removed.missing.is_empty() {
        let missing: Vec<String> = removed.missing.iter().map(ToString::to_string).collect();
        bail!("Missing images: {}", missing.join(" "));
    }
    if args.json {
        return line(report::removal(&removed.images, &removed.gc, removed.freed, args.dry_run));
    }
    report::problems(&removed.gc.problems);
    let verb = if args.dry_run { "Would remove" } else { "Removed" };
    match args.skip_gc {
        true => line(format_args!("{verb} images: {}", removed.images.len()))?,
        false => line(format_args!("{verb} images: {} layers: {}", removed.images.len(), removed.gc.layers.len()))?,
    }
    removed.freed.map_or(Ok(()), report::would_free)
}
