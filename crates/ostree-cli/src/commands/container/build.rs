//! `build`: an image from a ref, in plain words.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use oci_image::{ImageReference, Transport};

use crate::commands::container::digestfile::DigestfileArgs;
use crate::commands::container::image_options::{ImageOptions, ParentOptions};
use crate::commands::container::tagged::Tagged;
use crate::context::Context;
use crate::image_word::ImageWord;
use crate::output::line;
use crate::short_names;

/// Build a container image from an OSTree commit
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ostree-container build --repo repo --ref os/stable --oci-dir image\n  \
    ostree-container build --repo repo --ref os/stable --push registry.example.com/os:stable --compression zstd\n  \
    ostree-container build --repo repo --ref os/stable --push registry.example.com/os:2 \\\n    \
    --push registry.example.com/os:stable --from registry.example.com/os:1\n  \
    ostree-container build --repo repo --ref os/stable --push registry.example.com/os:stable \\\n    \
    --gpg-homedir secret.asc --gpg-sign release@example.org")]
#[command(group(clap::ArgGroup::new("destination").required(true).args(["oci_dir", "push"])))]
pub struct Args {
    /// The ref or checksum of the commit
    #[arg(long = "ref", value_name = "REF")]
    rev: String,
    /// Write the image to an OCI directory
    #[arg(long, value_name = "DIR")]
    oci_dir: Option<PathBuf>,
    /// The image's tag in the OCI directory
    #[arg(long, value_name = "TAG", requires = "oci_dir")]
    tag: Option<String>,
    /// Push the image to a registry, or write it to any other TRANSPORT:NAME
    ///
    /// May be given several times for tags of one repository; nothing is sent twice.
    #[arg(long, value_name = "IMAGE")]
    push: Vec<ImageWord>,
    /// Where its digest goes
    #[command(flatten)]
    digestfile: DigestfileArgs,
    /// What the image is like
    #[command(flatten)]
    image: ImageOptions,
    /// What the image stands on
    #[command(flatten)]
    parent: ParentOptions,
}

/// Prints the digest of the image.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let destination = destination(args, context)?;
    args.digestfile.check()?;
    let digest = args.image.write(context, &args.rev, &destination, &args.parent)?;
    args.digestfile.write(&digest)?;
    line(digest)
}

fn destination(args: &Args, context: &Context) -> Result<Tagged> {
    if let Some((first, others)) = args.push.split_first() {
        let image = |word: &ImageWord| short_names::to_write(&word.0, context);
        return Tagged::named(image(first)?, others.iter().map(image).collect::<Result<_>>()?);
    }
    let dir = args.oci_dir.as_deref().and_then(|dir| dir.to_str()).context("--oci-dir is not UTF-8")?;
    if dir.contains(':') {
        bail!("--oci-dir {dir}: the path of an OCI directory cannot hold a ':'");
    }
    let tag = args.tag.iter().map(|tag| format!(":{tag}")).collect::<String>();
    Tagged::named(ImageReference { transport: Transport::OciDir, name: format!("{dir}{tag}") }, Vec::new())
}
