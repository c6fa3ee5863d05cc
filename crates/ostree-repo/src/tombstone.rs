//! Traces of deleted commits (`objects/XX/….tombstone-commit`).

use ostree_core::{CommitId, Metadata, ObjectKind, ObjectName, RawVariant};

use crate::error::RepoError;
use crate::fs::small_file;
use crate::repo::Repo;

/// Lets deleted commits leave traces from now on (`core.tombstone-commits`).
pub fn enable(repo: &Repo) -> Result<(), RepoError> {
    if repo.config().tombstone_commits {
        return Ok(());
    }
    let mut file = repo.config().file.clone();
    file.set("core", "tombstone-commits", "true");
    repo.write_config(&file)
}

/// Writes the trace of a commit: a dictionary with the hexadecimal checksum, NUL-terminated, under the key `commit`.
pub fn write(repo: &Repo, commit: &CommitId) -> Result<(), RepoError> {
    let text = format!("{commit}\0").into_bytes();
    let bytes = Metadata::from_iter([("commit", RawVariant::byte_array(text))]).encode();
    let path = path(repo, commit);
    repo.objects().ensure_dir(path.get(..2).unwrap_or_default(), 0o777)?;
    small_file::replace(repo.objects(), &path, &bytes, repo.config().fsync)
}

/// Whether there is a trace of the commit.
pub fn exists(repo: &Repo, commit: &CommitId) -> Result<bool, RepoError> {
    repo.objects().exists(&path(repo, commit))
}

/// Removes the trace of a commit that is there again.
pub fn remove(repo: &Repo, commit: &CommitId) -> Result<(), RepoError> {
    repo.objects().remove_file(&path(repo, commit)).map(|_| ())
}

fn path(repo: &Repo, commit: &CommitId) -> String {
    repo.loose_path(&ObjectName::new(ObjectKind::TombstoneCommit, *commit.checksum()))
}
