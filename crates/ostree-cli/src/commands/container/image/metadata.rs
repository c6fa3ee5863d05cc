//! `image metadata`: the documents of a stored image.

use std::io::Write;

use anyhow::{Context as _, Result};

use crate::commands::container::image::list;
use crate::context::Context;
use crate::image_word::ImageWord;
use crate::output::Output;
use crate::short_names;

/// Print the manifest or configuration of a stored image
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  ostree-container image metadata --repo repo docker://registry.example.com/os:stable"
)]
pub struct Args {
    /// Print the configuration, not the manifest
    #[arg(long, overrides_with = "config")]
    config: bool,
    /// Print the bytes as the source had them, rather than as OCI JSON
    #[arg(long, overrides_with = "raw")]
    raw: bool,
    /// The stored image, e.g. registry:registry.example.com/os:latest
    #[arg(value_name = "IMGREF")]
    imgref: ImageWord,
}

/// Prints the document, without a newline behind it.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let imgref = short_names::stored(&args.imgref.0, &repo, context)?;
    let image = list::open(&repo, &imgref)?;
    let lost = || format!("{imgref} was pulled by a program that did not keep them");
    let bytes = match (args.config, args.raw) {
        (false, false) => serde_json::to_value(image.manifest.to_oci())?.to_string().into_bytes(),
        (false, true) => image.original_manifest.with_context(lost)?.bytes,
        (true, false) => serde_json::to_value(image.config.with_context(lost)?)?.to_string().into_bytes(),
        (true, true) => image.original_config.with_context(lost)?,
    };
    let mut out = Output::stdout();
    out.write_all(&bytes)?;
    Ok(out.flush()?)
}
