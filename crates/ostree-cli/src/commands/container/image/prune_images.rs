//! `image prune-images`: images that no deployment follows.

use std::path::PathBuf;

use anyhow::Result;
use ostree_container::stored::{self, Extent, PrunedImages};
use ostree_repo::format_size;

use crate::commands::container::image::report;
use crate::output::line;

/// Remove the images that no deployment of a system root follows
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ostree-container image prune-images --sysroot / --full --dry-run")]
pub struct Args {
    /// Path to the system root
    #[arg(long, value_name = "PATH")]
    sysroot: PathBuf,
    /// Remove layers, too
    #[arg(long, overrides_with = "and_layers", conflicts_with = "full")]
    and_layers: bool,
    /// Remove layers and objects, too
    #[arg(long, overrides_with = "full")]
    full: bool,
    /// Change nothing, and tell what would be removed and how much a prune would free then
    #[arg(short = 'n', long, overrides_with = "dry_run")]
    dry_run: bool,
    /// Print a JSON object
    #[arg(long, overrides_with = "json")]
    json: bool,
}

/// Prints what went.
pub fn run(args: &Args) -> Result<()> {
    let extent = match (args.and_layers, args.full) {
        (_, true) => Extent::Objects,
        (true, false) => Extent::Layers,
        (false, false) => Extent::Images,
    };
    let pruned = stored::prune_images(&args.sysroot, extent, args.dry_run)?;
    if args.json {
        return line(report::removal(&pruned.images, &pruned.gc, pruned.freed, args.dry_run));
    }
    report::problems(&pruned.gc.problems);
    match args.full {
        true => print_numbers(args, &pruned)?,
        false => print_names(args, &pruned)?,
    }
    pruned.freed.map_or(Ok(()), report::would_free)
}

fn print_names(args: &Args, pruned: &PrunedImages) -> Result<()> {
    if pruned.images.is_empty() {
        return line("No unreferenced images.");
    }
    let verb = if args.dry_run { "Would remove" } else { "Removed" };
    for image in &pruned.images {
        line(format_args!("{verb}: {image}"))?;
    }
    if args.and_layers {
        line(format_args!("{verb} layers: {}", pruned.gc.layers.len()))?;
    }
    Ok(())
}

fn print_numbers(args: &Args, pruned: &PrunedImages) -> Result<()> {
    let (images, layers) = (pruned.images.len(), pruned.gc.layers.len());
    let stats = pruned.gc.pruned.unwrap_or_default();
    if images == 0 && layers == 0 && stats.deleted == 0 {
        return line("No content was pruned.");
    }
    let verb = if args.dry_run { "Would remove" } else { "Removed" };
    line(format_args!("{verb} images: {images}"))?;
    line(format_args!("{verb} layers: {layers}"))?;
    line(format_args!("{verb} objects: {}", stats.deleted))?;
    match args.dry_run {
        true => Ok(()),
        false => line(format_args!("Freed: {}", format_size(stats.freed))),
    }
}
