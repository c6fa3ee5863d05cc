//! What `prune` is asked to do, and what it did.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ostree_core::{CommitId, Refspec};

use crate::size::format_size;

/// Which commits are kept, and what is done about the others.
#[derive(Debug, Clone, Default)]
pub struct PruneOptions {
    /// Keep only what refs reach; otherwise every commit that is there is kept, and only its leftovers go (`--refs-only`).
    pub refs_only: bool,
    /// How many parents of each head are kept; all where `None` (`--depth`).
    pub depth: Option<u64>,
    /// Finer rules by ref. With any of them only what refs reach is kept, as with `refs_only`.
    pub retention: Retention,
    /// Delete nothing, only count (`--no-prune`).
    pub dry_run: bool,
    /// Look at and delete commit objects alone (`--commit-only`).
    pub commit_only: bool,
    /// Delete this commit first (`--delete-commit`).
    pub delete_commit: Option<CommitId>,
    /// Instead of `delete_commit` itself delete the static deltas that lead to it (`--static-deltas-only`).
    pub static_deltas_only: bool,
    /// Commits that are kept though no ref may reach them, with `depth` of their parents; those that are not there are of
    /// no interest.
    pub also_keep: BTreeSet<CommitId>,
    /// Refs that count as if they were not there. With `dry_run` this tells what deleting them would free.
    pub without_refs: BTreeSet<Refspec>,
}

/// Rules about the history of refs.
#[derive(Debug, Clone, Default)]
pub struct Retention {
    /// Of every ref keep the head, and its ancestors up to the first whose timestamp (seconds since 1970-01-01 UTC) is
    /// before this (`--keep-younger-than`). `depth` has no say then.
    pub keep_younger_than: Option<u64>,
    /// Keep so many parents of the ref's head in any case, all where `None` (`--retain-branch-depth`). A ref that is not
    /// there is of no interest.
    pub branch_depth: BTreeMap<Refspec, Option<u64>>,
    /// The other rules are for these refs alone; every other ref keeps its history (`--only-branch`). A ref that is not
    /// there is an error.
    pub only_branches: BTreeSet<Refspec>,
}

impl Retention {
    /// Whether there is any rule.
    pub fn is_set(&self) -> bool {
        self.keep_younger_than.is_some() || !self.branch_depth.is_empty() || !self.only_branches.is_empty()
    }
}

/// What `prune` did. `Display` gives the two lines that the reference program prints, without the last newline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PruneStats {
    /// Objects that were there: commits, dirtrees, dirmetas, files and what belongs to files.
    pub total: u64,
    /// Of those, the ones that were deleted, or would have been.
    pub deleted: u64,
    /// The sizes of their files, in bytes.
    pub freed: u64,
    /// Whether only commits were looked at.
    pub commit_only: bool,
    /// Whether nothing was really deleted.
    pub dry_run: bool,
}

impl fmt::Display for PruneStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.commit_only { "Total (commit only) objects" } else { "Total objects" };
        writeln!(f, "{what}: {}", self.total)?;
        let (deleted, freed) = (self.deleted, format_size(self.freed));
        match (deleted, self.dry_run) {
            (0, _) => f.write_str("No unreachable objects"),
            (_, true) => write!(f, "Would delete: {deleted} objects, freeing {freed}"),
            (_, false) => write!(f, "Deleted {deleted} objects, {freed} freed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let mut stats = PruneStats { total: 29, deleted: 21, freed: 1_843, ..PruneStats::default() };
        assert_eq!(stats.to_string(), "Total objects: 29\nDeleted 21 objects, 1.8\u{a0}kB freed");
        stats.dry_run = true;
        stats.freed = 417;
        assert_eq!(stats.to_string(), "Total objects: 29\nWould delete: 21 objects, freeing 417 bytes");
        stats.deleted = 0;
        stats.commit_only = true;
        assert_eq!(stats.to_string(), "Total (commit only) objects: 29\nNo unreachable objects");
    }
}
