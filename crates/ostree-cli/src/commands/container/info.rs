//! `info`: the digest of an image.

use anyhow::Result;
use ostree_container::inspect;

use crate::commands::container::platform::PlatformArgs;
use crate::images::{RegistryArgs, SourceReference};
use crate::output::line;

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
    ///
    /// An image is docker://NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG], dir:DIR, docker-archive:FILE[:TAG], or in the storage of
    /// podman and its relatives containers-storage:NAME, containers-storage:@ID, and [[DRIVER@]GRAPHROOT] before either; without
    /// it, storage.conf says where the storage is.
    #[arg(value_name = "IMGREF")]
    pub imgref: SourceReference,
}

/// Prints the reference and the digest.
pub fn run(args: &Args) -> Result<()> {
    let source = args.registry.admitted(&args.imgref)?;
    let info = inspect(&*source, &args.platform.or_host())?;
    line(format_args!("{} digest: {}", args.imgref, info.digest))
}
