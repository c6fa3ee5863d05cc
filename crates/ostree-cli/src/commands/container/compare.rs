//! `compare`: what the layers of two images have in common.

use anyhow::Result;
use oci_image::{Descriptor, Manifest, document};
use ostree_container::compare::{compare, size};
use serde_json::{Value, json};

use crate::commands::container::platform::PlatformArgs;
use crate::context::Context;
use crate::image_word::{SchemedWord, help};
use crate::images::RegistryArgs;
use crate::output::line;
use crate::short_names;

/// Compare the layers of two images
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ostree-container compare ostree-unverified-registry:registry.example.com/os:1 \
    ostree-unverified-registry:registry.example.com/os:2")]
pub struct Args {
    /// How registries are reached
    #[command(flatten)]
    registry: RegistryArgs,
    /// Which image of an index is meant
    #[command(flatten)]
    platform: PlatformArgs,
    /// Print a JSON object
    #[arg(long, overrides_with = "json")]
    json: bool,
    /// The old image
    #[arg(long_help = help("The old image"), value_name = "IMGREF_OLD")]
    old: SchemedWord,
    /// The new image
    #[arg(value_name = "IMGREF_NEW")]
    new: SchemedWord,
}

/// Prints how many layers there are, and how many came and went.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let comparison = compare(&args.manifest(&args.old, context)?, &args.manifest(&args.new, context)?);
    if !args.json {
        return line(comparison);
    }
    line(json!({
        "total": {"layers": comparison.total, "size": comparison.total_size},
        "removed": describe(&comparison.removed),
        "added": describe(&comparison.added),
    }))
}

impl Args {
    fn manifest(&self, image: &SchemedWord, context: &Context) -> Result<Manifest> {
        let source = self.registry.admitted(&short_names::to_read(&image.0, &self.registry, context)?)?;
        Ok(document::resolve(&*source, &self.platform.or_host())?.1)
    }
}

fn describe(layers: &[Descriptor]) -> Value {
    let digests: Vec<String> = layers.iter().map(|layer| layer.digest.to_string()).collect();
    json!({"layers": layers.len(), "size": size(layers), "digests": digests})
}
