//! `image prune-layers`: layers that no image needs any more.

use anyhow::Result;
use oci_image::ImageReference;
use ostree_container::stored::{self, GcOptions};

use crate::commands::container::image::report;
use crate::context::Context;
use crate::output::line;

/// Remove the layers that no image needs
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ostree-container image prune-layers --repo repo")]
pub struct Args {
    /// Change nothing, and tell what would be removed and how much a prune would free then
    #[arg(short = 'n', long, overrides_with = "dry_run")]
    dry_run: bool,
    /// Print a JSON object
    #[arg(long, overrides_with = "json")]
    json: bool,
}

/// Prints how many layers went.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let stats = stored::collect(&repo, &GcOptions { dry_run: args.dry_run, ..GcOptions::default() })?;
    let freed = match args.dry_run {
        true => Some(stored::freed_without(&repo, stats.layers.iter().cloned().collect())?),
        false => None,
    };
    if args.json {
        let images: [ImageReference; 0] = [];
        return line(report::removal(&images, &stats, freed, args.dry_run));
    }
    report::problems(&stats.problems);
    let verb = if args.dry_run { "Would remove" } else { "Removed" };
    line(format_args!("{verb} layers: {}", stats.layers.len()))?;
    freed.map_or(Ok(()), report::would_free)
}
