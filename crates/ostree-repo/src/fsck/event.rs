//! What `fsck` tells while it works and in the end.

use std::fmt;

use ostree_core::{CommitId, ObjectName};

use crate::error::RepoError;

/// Something that `fsck` reports. `Display` gives the line that the reference program prints for it, without newline.
#[derive(Debug)]
#[non_exhaustive]
pub enum FsckEvent {
    /// The refs are looked at next.
    ValidatingRefs,
    /// The refs in collections are looked at next.
    ValidatingCollections,
    /// The commits are listed next.
    EnumeratingCommits,
    /// The objects are read next.
    VerifyingContent {
        /// Of how many commits.
        commits: usize,
    },
    /// How far the reading of objects has come. Comes about ten times a second and at the end.
    Progress {
        /// Objects that were verified.
        done: u64,
        /// Objects in all, once that is known.
        total: Option<u64>,
    },
    /// An object is not there. A problem.
    Missing {
        /// The object.
        object: ObjectName,
        /// The commits that need it, sorted; none where a ref points to a commit that is missing.
        commits: Vec<CommitId>,
    },
    /// An object is damaged or cannot be read. A problem.
    Corrupt {
        /// The object.
        object: ObjectName,
        /// The commits that need it, sorted; none where the commit of a ref was looked at for itself.
        commits: Vec<CommitId>,
        /// What is wrong with it.
        error: RepoError,
    },
    /// A commit that lacks an object was marked as partial.
    MarkedPartial(CommitId),
    /// A tombstone was written for a commit whose parent is missing.
    AddedTombstone(CommitId),
    /// This many commits are marked as partial and were therefore not verified.
    PartialCommits(usize),
}

impl FsckEvent {
    /// Whether this goes to standard error: something is wrong, or was changed because of it.
    pub fn is_problem(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Corrupt { .. } | Self::MarkedPartial(_))
    }

    /// Whether `--quiet` suppresses this.
    pub fn is_chatter(&self) -> bool {
        matches!(
            self,
            Self::ValidatingRefs
                | Self::ValidatingCollections
                | Self::EnumeratingCommits
                | Self::VerifyingContent { .. }
        )
    }
}

impl fmt::Display for FsckEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ValidatingRefs => f.write_str("Validating refs..."),
            Self::ValidatingCollections => f.write_str("Validating refs in collections..."),
            Self::EnumeratingCommits => f.write_str("Enumerating commits..."),
            Self::VerifyingContent { commits } => {
                write!(f, "Verifying content integrity of {commits} commit objects...")
            }
            Self::Progress { done, total: Some(total) } => {
                write!(f, "fsck objects ({done}/{total}) {}%", done * 100 / (*total).max(1))
            }
            Self::Progress { done, total: None } => write!(f, "fsck objects ({done})"),
            Self::Missing { object, commits } if commits.is_empty() => write!(f, "Object missing: {object}"),
            Self::Missing { object, commits } => write!(f, "Object missing in commits {}: {object}", joined(commits)),
            Self::Corrupt { object, commits, error } => {
                write!(f, "{}", corrupt_prefix(object, commits))?;
                let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
            Self::MarkedPartial(commit) => write!(f, "Marking commit as partial: {commit}"),
            Self::AddedTombstone(commit) => write!(f, "Adding tombstone for commit {commit}"),
            Self::PartialCommits(count) => write!(f, "{count} partial commits not verified"),
        }
    }
}

/// What stands before the cause when an object is damaged.
pub(super) fn corrupt_prefix(object: &ObjectName, commits: &[CommitId]) -> String {
    let what = match object.kind {
        ostree_core::ObjectKind::File => format!("fsck content object {}", object.checksum),
        _ => format!("fsck {object}"),
    };
    if commits.is_empty() { what } else { format!("In commits {}: {what}", joined(commits)) }
}

fn joined(commits: &[CommitId]) -> String {
    commits.iter().map(CommitId::to_string).collect::<Vec<_>>().join(", ")
}

/// What `fsck` found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FsckReport {
    /// Commits whose objects were verified.
    pub commits: usize,
    /// Commits that were passed over because they are marked as partial.
    pub partial_commits: usize,
    /// Of those, the ones that an earlier `fsck` marked.
    pub damaged_commits: usize,
    /// Objects that were verified, the bad ones included.
    pub objects: u64,
    /// Objects that are missing.
    pub missing: u64,
    /// Objects that are damaged.
    pub corrupt: u64,
}

impl FsckReport {
    /// The last line of the output, or the error the command ends with.
    pub fn verdict(&self) -> Result<String, RepoError> {
        if self.missing + self.corrupt > 0 {
            return Err(RepoError::Request("Repository corruption encountered".into()));
        }
        if self.damaged_commits > 0 {
            let count = self.damaged_commits;
            return Err(RepoError::Request(format!("{count} partial commits from fsck-detected corruption")));
        }
        Ok(format!("object fsck of {} commits completed successfully - no errors found.", self.commits))
    }
}
