//! `image reexport`: write a stored image to a registry or a file.

use std::num::NonZeroUsize;

use anyhow::Result;
use oci_image::Compression;
use ostree_container::Event;
use ostree_container::reexport::{ReexportOptions, reexport};
use ostree_container::stored;
use serde_json::json;

use crate::commands::container::digestfile::DigestfileArgs;
use crate::context::Context;
use crate::image_signing::SignArgs;
use crate::image_word::ImageWord;
use crate::images::RegistryArgs;
use crate::output::line;
use crate::progress::{ProgressArgs, Unfinished};
use crate::short_names;

/// Write a stored image to a registry or a file
#[derive(Debug, clap::Args)]
#[command(
    long_about = "Write a stored image to a registry or a file.\n\nThe layers of the image's commit are written as the program \
    wrote them that made the image, where it is known; layers on top of it are written anew from what they became here. \
    Where all bytes come out as they were, the image has its old digest.",
    after_help = "Example:\n  ostree-container image reexport --repo repo registry:registry.example.com/os:stable oci:image"
)]
pub struct Args {
    /// Compress at the fastest level
    #[arg(long, overrides_with = "compression_fast", conflicts_with = "compression")]
    compression_fast: bool,
    /// How layers are compressed: none, gzip[:0..9] or zstd[:1..19] (default: as they were)
    #[arg(long, value_name = "NAME[:LEVEL]", overrides_with = "compression")]
    compression: Option<Compression>,
    /// Where the digest of the written image goes
    #[command(flatten)]
    digestfile: DigestfileArgs,
    /// Print a JSON object
    #[arg(long, overrides_with = "json")]
    json: bool,
    /// How the registry is reached
    #[command(flatten)]
    registry: RegistryArgs,
    /// Who signs it
    #[command(flatten)]
    sign: SignArgs,
    /// How many threads compress (default: one a processor); the image does not depend on it
    #[arg(long, value_name = "N", overrides_with = "jobs")]
    jobs: Option<NonZeroUsize>,
    /// How progress is shown
    #[command(flatten)]
    progress: ProgressArgs,
    /// The stored image, e.g. registry:registry.example.com/os:stable
    #[arg(value_name = "SRC_IMGREF")]
    source: ImageWord,
    /// The image to write, e.g. registry:registry.example.com/copy:stable or oci:DIR:TAG
    #[arg(value_name = "DEST_IMGREF")]
    destination: ImageWord,
}

/// Prints the digest of the image.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let destination = short_names::to_write(&args.destination.0, context)?;
    args.digestfile.check()?;
    let listener = args.progress.listener_for("re-exporting", &destination.to_string())?;
    let repo = context.open_repo()?;
    let source = short_names::stored(&args.source.0, &repo, context)?;
    let image = stored::require(&repo, &source)?;
    let signer = args.sign.prepare(&destination, &args.registry)?;
    let sink = args.registry.sink_beside(&destination, &source)?;
    let compression = if args.compression_fast { Some(Compression::Gzip(1)) } else { args.compression };
    let options = ReexportOptions { compression, jobs: args.jobs };
    let done = reexport(&repo, &image, &*sink, &options, &Unfinished(&*listener))?;
    if let Some(mut signer) = signer {
        signer.sign(&done.digest)?;
    }
    listener.event(Event::Done);
    args.digestfile.write(&done.digest)?;
    match args.json {
        true => line(json!({
            "image": destination.to_string(), "digest": done.digest.to_string(), "original": done.original,
            "layers": done.layers, "same-diff-ids": done.same_diff_ids,
        })),
        false => line(format_args!("Exported: {}", done.digest)),
    }
}
