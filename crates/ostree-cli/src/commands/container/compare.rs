//! `compare`: what the layers of two images have in common.

use anyhow::Result;
use oci_image::{Descriptor, Manifest, document};
use ostree_container::compare::{compare, size};
use serde_json::{Value, json};

use crate::commands::container::platform::PlatformArgs;
use crate::images::{RegistryArgs, SourceReference};
use crate::output::line;

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
    #[arg(value_name = "IMGREF_OLD")]
    pub old: SourceReference,
    /// The new image
    #[arg(value_name = "IMGREF_NEW")]
    pub new: SourceReference,
}

/// Prints how many layers there are, and how many came and went.
pub fn run(args: &Args) -> Result<()> {
    let comparison = compare(&args.manifest(&args.old)?, &args.manifest(&args.new)?);
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
    fn manifest(&self, image: &SourceReference) -> Result<Manifest> {
        let source = self.registry.admitted(image)?;
        Ok(document::resolve(&*source, &self.platform.or_host())?.1)
    }
}

fn describe(layers: &[Descriptor]) -> Value {
    let digests: Vec<String> = layers.iter().map(|layer| layer.digest.to_string()).collect();
    json!({"layers": layers.len(), "size": size(layers), "digests": digests})
}
