//! `init`: make a repository.

use anyhow::{Context as _, Result};
use ostree_repo::RepoMode;

use crate::context::Context;

/// Initialize a new empty repository
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Initialize repository in given mode (bare, bare-user, bare-user-only, archive)
    #[arg(long, value_name = "MODE", default_value = "bare", overrides_with = "mode")]
    mode: String,
    /// Globally unique ID for this repository as a collection of refs for redistribution to other repositories
    #[arg(long, value_name = "COLLECTION-ID", overrides_with = "collection_id")]
    collection_id: Option<String>,
}

/// Makes the repository; one that is there already stays as it is.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let mode = RepoMode::from_name(&args.mode)
        .with_context(|| format!("Invalid mode '{}' in repository configuration", args.mode))?;
    ostree_repo::create(&context.repo_path()?, mode, args.collection_id.as_deref())?;
    Ok(())
}
