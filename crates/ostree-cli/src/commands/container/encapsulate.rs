//! `encapsulate`: wrap a commit into an image.

use anyhow::Result;
use oci_image::ImageReference;

use crate::commands::container::image_options::{ImageOptions, ParentOptions};
use crate::context::Context;
use crate::output::line;

/// Wrap an OSTree commit into a container image
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the image is like
    #[command(flatten)]
    image: ImageOptions,
    /// What the image stands on
    #[command(flatten)]
    parent: ParentOptions,
    /// The ref or checksum of the commit
    #[arg(value_name = "REV")]
    rev: String,
    /// The image to write, e.g. docker://registry.example.com/os:latest or oci:DIR:TAG
    #[arg(value_name = "IMGREF")]
    imgref: ImageReference,
}

/// Prints the digest of the image.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    line(args.image.write(context, &args.rev, &args.imgref, &args.parent)?)
}
