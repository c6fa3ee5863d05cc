//! `pull`: an image's commit under a ref, in plain words.

use anyhow::Result;
use ostree_core::Refspec;

use crate::commands::container::unencapsulate::ImportArgs;
use crate::context::Context;
use crate::image_word::help;
use crate::short_names;

/// Pull the OSTree commit of a container image into a repository
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ostree-container pull --repo repo --ref os/stable registry.example.com/os:stable\n  \
    ostree-container pull --repo repo --ref os/stable oci:image"
)]
pub struct Args {
    /// The ref that is to point to the commit
    #[arg(long = "ref", value_name = "REF")]
    name: Refspec,
    /// How it is imported
    #[command(flatten)]
    import: ImportArgs,
    /// The image: a name on a registry, or TRANSPORT:NAME
    #[arg(long_help = help("The image: a name on a registry, or TRANSPORT:NAME"), value_name = "IMAGE")]
    image: String,
}

/// Prints the ref and the commit.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let image = short_names::to_read(&args.image, &args.import.registry, context)?;
    args.import.run(context, &image, Some(&args.name))
}
