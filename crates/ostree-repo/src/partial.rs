//! Commits whose content may be incomplete, marked by `state/CHECKSUM.commitpartial`.

use ostree_core::CommitId;
use rustix::io::Errno;

use crate::error::RepoError;
use crate::fs::small_file;
use crate::layout::partial_path;
use crate::repo::Repo;

/// Whether all content of a commit is to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitState {
    /// Everything is there.
    Complete,
    /// A pull was interrupted, or never asked for everything.
    Partial,
    /// `fsck` found objects missing or damaged.
    Damaged,
}

/// The state of a commit.
pub fn state(repo: &Repo, commit: &CommitId) -> Result<CommitState, RepoError> {
    match small_file::read(repo.dir(), &partial_path(commit.checksum()), 1024)? {
        None => Ok(CommitState::Complete),
        Some(bytes) if bytes.first() == Some(&b'f') => Ok(CommitState::Damaged),
        Some(_) => Ok(CommitState::Partial),
    }
}

/// Marks a commit as partial. A mark that is there already stays as it is.
pub fn mark(repo: &Repo, commit: &CommitId, state: CommitState) -> Result<(), RepoError> {
    let text: &[u8] = if state == CommitState::Damaged { b"f" } else { b"" };
    repo.dir().ensure_dir("state", 0o775)?;
    let path = partial_path(commit.checksum());
    match rustix::fs::openat(
        repo.dir(),
        &path,
        rustix::fs::OFlags::WRONLY
            | rustix::fs::OFlags::CREATE
            | rustix::fs::OFlags::EXCL
            | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::from_raw_mode(0o644),
    ) {
        Ok(fd) => rustix::io::write(&fd, text).map(|_| ()).map_err(|e| repo.dir().fail("writing", &path, e)),
        Err(Errno::EXIST) => Ok(()),
        Err(e) => Err(repo.dir().fail("creating", &path, e)),
    }
}

/// Removes the mark; whether it was there.
pub fn clear(repo: &Repo, commit: &CommitId) -> Result<bool, RepoError> {
    repo.dir().remove_file(&partial_path(commit.checksum()))
}
