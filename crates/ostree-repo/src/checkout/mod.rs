//! Checking out commits: from objects to files and directories.
//!
//! Directories are the unit of work: several threads take them from one stack, depth first. Each directory is made for its
//! maker alone, filled by descriptor, and gets its owner, mode and time when everything in it is done. Nothing is ever
//! written through a symlink of the destination.

mod cache;
mod copy;
mod file;
mod identical;
mod job;
mod link;
mod options;
mod owner;
mod place;
mod probe;
mod queue;
mod root;
mod subject;
mod tree;
mod whiteout;

use std::path::Path;

use ostree_core::CommitId;

pub use options::{CheckoutOptions, CheckoutStats, LinkPolicy, UnionMode};

use crate::checkout::job::Job;
use crate::checkout::subject::Subject;
use crate::error::RepoError;
use crate::repo::Repo;

/// Checks `commit`, or the part of it that `options` name, out to `destination`. Its parent directory must exist.
///
/// Without a union mode the destination must not exist, and appears when everything is done; after an error nothing is
/// left. In a union mode what was done before an error stays. Objects that this process could not link or copy, a
/// destination on another file system where hardlinks are required, and anything in the destination that the union mode
/// does not allow are errors that name the path.
pub fn checkout(
    repo: &Repo,
    commit: &CommitId,
    destination: &Path,
    options: &CheckoutOptions,
) -> Result<CheckoutStats, RepoError> {
    let mut job = Job::new(repo, options.resolve(repo)?);
    job.cache = cache::open(repo, &job.options);
    match subject::find(repo, commit, &job.options.subpath)? {
        Some(Subject::Dir(tree, meta)) => root::checkout_dir(&job, (tree, meta), destination)?,
        Some(Subject::File(name, id)) => root::checkout_single(&job, &name, &id, destination)?,
        None if job.options.allow_noent => return Ok(job.counters.stats()),
        None => {
            let path = job.options.subpath.trim_start_matches('/');
            return Err(RepoError::Request(format!("No such file or directory: /{path}")));
        }
    }
    if job.options.fsync {
        sync(destination)?;
    }
    Ok(job.counters.stats())
}

fn sync(destination: &Path) -> Result<(), RepoError> {
    if !destination.exists() {
        return Ok(());
    }
    let dir = crate::fs::Dir::open(destination)?;
    rustix::fs::syncfs(&dir).map_err(|e| dir.fail("syncing", "", e))
}
