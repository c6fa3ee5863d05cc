//! A repository that is there for one command only.

use anyhow::{Context as _, Result};
use ostree_repo::{Repo, RepoMode, create};
use tempfile::TempDir;

use crate::context::Context;

/// A private repository below `$TMPDIR`, removed with the value.
pub struct Scratch {
    /// The repository.
    pub repo: Repo,
    _dir: TempDir,
}

impl Scratch {
    /// Makes one that every user can write: `bare-user`, or `archive` on a file system without user xattrs.
    pub fn new(context: &Context) -> Result<Self> {
        let place = std::env::temp_dir();
        let dir = tempfile::Builder::new().prefix("ostree-container.").tempdir();
        let dir = dir.with_context(|| format!("making a directory in {} (see TMPDIR)", place.display()))?;
        let repo = create(&dir.path().join("bare-user"), RepoMode::BareUser, None)
            .or_else(|_| create(&dir.path().join("archive"), RepoMode::Archive, None))?;
        if context.verbose {
            eprintln!("using a temporary repository in {}", dir.path().display());
        }
        Ok(Self { repo, _dir: dir })
    }
}
