//! `image copy`: a stored image into another repository.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use ostree_container::stored;
use ostree_repo::Repo;
use ostree_repo::copy::CopyOptions;

use crate::commands::container::image::report;
use crate::context::Context;
use crate::image_word::SchemedWord;
use crate::short_names;

/// Copy a stored image from one repository to another
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ostree-container image copy --src-repo repo --dest-repo repo2 oci:image")]
pub struct Args {
    /// Path to the source repository
    #[arg(long, value_name = "PATH")]
    src_repo: PathBuf,
    /// Path to the destination repository
    #[arg(long, value_name = "PATH")]
    dest_repo: PathBuf,
    /// How many threads copy (default: one a processor)
    #[arg(long, value_name = "N", overrides_with = "jobs")]
    jobs: Option<NonZeroUsize>,
    /// The stored image, e.g. ostree-unverified-registry:registry.example.com/os:latest
    #[arg(value_name = "IMGREF")]
    imgref: SchemedWord,
}

/// Copies, and prints nothing.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let src = Repo::open(&args.src_repo)?;
    let dest = Repo::open(&args.dest_repo)?;
    dest.check_writable()?;
    let image = short_names::stored(&args.imgref.0, &src, context)?;
    let options = CopyOptions { jobs: args.jobs, ..CopyOptions::default() };
    let copied = stored::copy(&src, &dest, &image, &options, &mut |_| {}).context("Copying image")?;
    report::problems(&copied.image.problems);
    Ok(())
}
