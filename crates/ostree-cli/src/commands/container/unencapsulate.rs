//! `unencapsulate`: take the commit out of an image.

use anyhow::Result;
use ostree_container::{ImportOptions, unencapsulate};
use ostree_core::Refspec;

use crate::commands::container::fetching::FetchArgs;
use crate::commands::container::platform::PlatformArgs;
use crate::context::Context;
use crate::image_word::{SchemedWord, help};
use crate::images::{RegistryArgs, SourceReference};
use crate::output::line;
use crate::short_names;
use crate::trust;

/// Import an OSTree commit embedded in a container image
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An image under ostree-remote-image:REMOTE: or ostree-remote-registry:REMOTE: is taken only if its commit is \
    signed as the configuration of that remote asks for.\n\nExamples:\n  \
    ostree-container unencapsulate --repo repo --write-ref os/stable oci:image\n  \
    ostree-container unencapsulate --repo repo ostree-remote-registry:os:registry.example.com/os:stable"
)]
pub struct Args {
    /// How it is imported
    #[command(flatten)]
    import: ImportArgs,
    /// Create an OSTree ref pointing to the imported commit
    #[arg(long, value_name = "REF", overrides_with = "write_ref")]
    write_ref: Option<Refspec>,
    /// The image, e.g. ostree-unverified-registry:registry.example.com/os:latest or oci:DIR:TAG
    #[arg(long_help = help("The image, e.g. ostree-unverified-registry:registry.example.com/os:latest or oci:DIR:TAG"), value_name = "IMGREF")]
    imgref: SchemedWord,
}

/// What all imports share.
#[derive(Debug, Clone, clap::Args)]
pub struct ImportArgs {
    /// How the registry is reached
    #[command(flatten)]
    pub registry: RegistryArgs,
    /// Which image of an index is meant
    #[command(flatten)]
    platform: PlatformArgs,
    /// How it is fetched
    #[command(flatten)]
    fetch: FetchArgs,
}

/// Prints the commit, and the ref where one was written.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let image = short_names::to_read(&args.imgref.0, &args.import.registry, context)?;
    args.import.run(context, &image, args.write_ref.as_ref())
}

impl ImportArgs {
    /// Imports the commit of an image and lets `write_ref` point to it.
    pub fn run(&self, context: &Context, image: &SourceReference, write_ref: Option<&Refspec>) -> Result<()> {
        let listener = self.fetch.progress.listener(&image.to_string())?;
        let repo = context.open_writable()?;
        let verifier = trust::of_image(&repo, image)?;
        let source = self.registry.admitted_into(image, &repo, &self.fetch.amount)?;
        let options = ImportOptions {
            write_ref: write_ref.cloned(),
            verify: trust::as_dyn(verifier.as_ref()),
            platform: self.platform.named(),
            jobs: self.fetch.jobs,
            parallel_fetches: self.fetch.parallel_fetches,
            skip_space_check: self.fetch.skip_space_check,
            transaction: Default::default(),
        };
        let imported = unencapsulate(&*source, &repo, &options, &*listener)?;
        match write_ref {
            Some(name) => line(format_args!("Imported: {name} => {}", imported.commit)),
            None => line(format_args!("Imported: {}", imported.commit)),
        }
    }
}
