//! `info`: the digest of an image.

use anyhow::Result;
use ostree_container::inspect;

use crate::commands::container::platform::PlatformArgs;
use crate::context::Context;
use crate::image_word::{SchemedWord, help};
use crate::images::RegistryArgs;
use crate::output::line;
use crate::short_names;

/// Print information about an exported container image
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How the registry is reached
    #[command(flatten)]
    registry: RegistryArgs,
    /// Which image of an index is meant
    #[command(flatten)]
    platform: PlatformArgs,
    /// The image, e.g. ostree-unverified-registry:registry.example.com/os:latest or oci:DIR:TAG
    #[arg(long_help = help("The image, e.g. ostree-unverified-registry:registry.example.com/os:latest or oci:DIR:TAG"), value_name = "IMGREF")]
    imgref: SchemedWord,
}

/// Prints the reference and the digest.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let image = short_names::to_read(&args.imgref.0, &args.registry, context)?;
    let source = args.registry.admitted(&image)?;
    let info = inspect(&*source, &args.platform.or_host())?;
    line(format_args!("{} digest: {}", image, info.digest))
}
