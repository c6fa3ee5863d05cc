//! Deleting the objects that nothing needs any more.

mod deltas;
mod options;
mod roots;
mod summaries;
mod sweep;

pub use options::{PruneOptions, PruneStats, Retention};

use ostree_core::CommitId;

use crate::error::RepoError;
use crate::lock::LockKind;
use crate::refs;
use crate::repo::Repo;
use crate::tombstone;

/// Deletes what is not reachable, as the options say, under the exclusive lock: no transaction is open meanwhile, so nothing
/// that was just written, or was found to be there already, is deleted. What transactions staged is left alone.
///
/// Commits go first, then what only they needed: a run that is interrupted leaves every remaining commit whole. A commit
/// to be kept that lacks a dirtree is an error, unless it is marked as partial; what deleted commits lack is of no
/// interest. A parent repository is read, but never changed.
pub fn prune(repo: &Repo, options: &PruneOptions) -> Result<PruneStats, RepoError> {
    repo.check_writable()?;
    if options.delete_commit.is_some() && options.dry_run {
        return Err(RepoError::Request("Cannot specify both --delete-commit and --no-prune".into()));
    }
    let _lock = repo.lock(LockKind::Exclusive)?;
    let mut tombstones = repo.config().tombstone_commits;
    match &options.delete_commit {
        Some(commit) if options.static_deltas_only => deltas::remove_to(repo, commit)?,
        Some(commit) => {
            delete_commit(repo, commit)?;
            tombstones = true;
        }
        None if options.static_deltas_only => {
            let message = "--static-deltas-only requires --delete-commit; see \
                           https://github.com/ostreedev/ostree/issues/1479";
            return Err(RepoError::Request(message.into()));
        }
        None => {}
    }
    let reachable = roots::reachable(repo, options)?;
    let stats = sweep::sweep(repo, &reachable, options, tombstones)?;
    if !options.dry_run {
        deltas::remove_orphans(repo)?;
        summaries::clean(repo)?;
    }
    Ok(stats)
}

/// Deletes a commit object, leaving a tombstone. One that a ref points to is refused.
fn delete_commit(repo: &Repo, commit: &CommitId) -> Result<(), RepoError> {
    for (refspec, target) in refs::list(repo)? {
        if target == *commit {
            return Err(RepoError::Request(format!("Commit '{commit}' is referenced by '{refspec}'")));
        }
    }
    for ((collection, name), target) in refs::list_collections(repo)? {
        if target == *commit {
            return Err(RepoError::Request(format!("Commit '{commit}' is referenced by '({collection}, {name})'")));
        }
    }
    if !repo.objects().exists(&repo.loose_path(&commit.object()))? {
        let missing = ostree_core::StoreError::Missing { name: commit.object() };
        return Err(RepoError::from(missing).context(format!("Deleting object {}", commit.object())));
    }
    tombstone::enable(repo)?;
    sweep::remove_commit(repo, commit, true)
}
