//! `encapsulate`: wrap a commit into an image.

use anyhow::Result;

use crate::commands::container::digestfile::DigestfileArgs;
use crate::commands::container::image_options::{ImageOptions, ParentOptions};
use crate::commands::container::tagged::Tagged;
use crate::context::Context;
use crate::image_word::ImageWord;
use crate::output::line;
use crate::short_names;

/// Wrap an OSTree commit into a container image
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the image is like
    #[command(flatten)]
    image: ImageOptions,
    /// What the image stands on
    #[command(flatten)]
    parent: ParentOptions,
    /// Give the image on the registry this tag too; nothing is sent twice
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Where its digest goes
    #[command(flatten)]
    digestfile: DigestfileArgs,
    /// The ref or checksum of the commit
    #[arg(value_name = "REV")]
    rev: String,
    /// The image to write, e.g. docker://registry.example.com/os:latest or oci:DIR:TAG
    #[arg(value_name = "IMGREF")]
    imgref: ImageWord,
}

/// Prints the digest of the image.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let destination = Tagged::with_tags(short_names::to_write(&args.imgref.0, context)?, &args.tags)?;
    args.digestfile.check()?;
    let digest = args.image.write(context, &args.rev, &destination, &args.parent)?;
    args.digestfile.write(&digest)?;
    line(digest)
}
