//! How many objects two commits have in common.

use std::collections::HashSet;

use ostree_core::walk::reachable;
use ostree_core::{CommitId, ObjectName};
use rustix::fs::AtFlags;
use rustix::io::Errno;

use crate::error::RepoError;
use crate::repo::Repo;

/// The objects of two commits, counted (`diff --stats`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiffStats {
    /// Objects reachable from the first commit, itself included.
    pub objects_a: u64,
    /// Objects reachable from the second commit, itself included.
    pub objects_b: u64,
    /// Objects reachable from both.
    pub common: u64,
    /// The size of those as they are stored, in bytes.
    pub common_bytes: u64,
}

/// Counts the objects of two commits.
pub fn stats(repo: &Repo, a: &CommitId, b: &CommitId) -> Result<DiffStats, RepoError> {
    let objects = |commit| -> Result<HashSet<ObjectName>, RepoError> {
        let mut found = HashSet::new();
        reachable(repo, commit, false, &mut found)?;
        Ok(found)
    };
    let (a, b) = (objects(a)?, objects(b)?);
    let mut stats = DiffStats { objects_a: a.len() as u64, objects_b: b.len() as u64, ..DiffStats::default() };
    for name in a.intersection(&b) {
        stats.common += 1;
        stats.common_bytes += stored_size(repo, name)?;
    }
    Ok(stats)
}

fn stored_size(repo: &Repo, name: &ObjectName) -> Result<u64, RepoError> {
    let mut current = Some(repo);
    while let Some(repo) = current {
        let path = repo.loose_path(name);
        match rustix::fs::statat(repo.objects(), &path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => return Ok(u64::try_from(stat.st_size).unwrap_or_default()),
            Err(Errno::NOENT) => current = repo.parent(),
            Err(e) => return Err(repo.objects().fail("querying", &path, e)),
        }
    }
    Err(ostree_core::StoreError::Missing { name: *name }.into())
}
