//! The remotes that a repository's configuration describes.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use ostree_core::RemoteName;
use ostree_repo::Repo;
use ostree_repo::keyfile::KeyFile;

use crate::context::Context;

pub use crate::trust::group;

/// The names of the remotes, sorted.
pub fn names(file: &KeyFile) -> Vec<RemoteName> {
    let mut names: Vec<RemoteName> = file
        .groups()
        .iter()
        .filter_map(|group| RemoteName::new(group.strip_prefix("remote \"")?.strip_suffix('"')?).ok())
        .collect();
    names.sort();
    names
}

/// The URL of a remote.
pub fn url<'f>(file: &'f KeyFile, name: &RemoteName) -> Result<&'f str> {
    file.get(&group(name), "url").with_context(|| format!("No \"url\" option in remote \"{name}\""))
}

/// Opens the repository of `--sysroot`, or the usual one, for changing its configuration.
pub fn open(context: &Context, sysroot: Option<&PathBuf>) -> Result<Repo> {
    match sysroot {
        Some(sysroot) => Context { repo: Some(sysroot.join("ostree/repo")), ..context.clone() }.open_writable(),
        None => context.open_writable(),
    }
}
