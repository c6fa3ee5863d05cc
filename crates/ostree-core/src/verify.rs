//! The seam between commits and the signatures that vouch for them.

use crate::id::CommitId;

/// Why a commit is not vouched for. Its message is the verifier's own.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct VerifyError(Box<dyn std::error::Error + Send + Sync>);

impl VerifyError {
    /// Wraps the verifier's own error, or a text.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

/// Decides whether a commit is one that may be taken.
pub trait VerifyCommit: Sync {
    /// Checks the commit with these bytes, whose checksum is `commit`. `detached` is its detached metadata as serialised
    /// `a{sv}`, `None` where it has none. Called before anything of the commit is written; an error stops all work on it.
    fn verify_commit(&self, commit: &CommitId, commit_bytes: &[u8], detached: Option<&[u8]>)
    -> Result<(), VerifyError>;
}
