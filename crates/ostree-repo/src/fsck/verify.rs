//! Verifying one object: that it is there, is what its name says, and has the form of its kind.

use std::io::Read;

use ostree_core::{
    Checksum, Commit, DirMeta, DirTree, FileHasher, FileId, ObjectError, ObjectKind, ObjectName, ReadObject, StoreError,
};

use crate::error::RepoError;
use crate::limits::COPY_BUFFER;
use crate::repo::Repo;

/// What is wrong with an object.
#[derive(Debug)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// It is damaged or cannot be read.
    Corrupt(RepoError),
}

impl Fault {
    fn corrupt(error: impl Into<RepoError>) -> Self {
        Self::Corrupt(error.into())
    }
}

/// Reads and verifies a commit.
pub fn commit(repo: &Repo, name: &ObjectName) -> Result<Commit, Fault> {
    metadata(repo, name, Commit::decode)
}

/// Reads and verifies a dirtree.
pub fn dirtree(repo: &Repo, name: &ObjectName) -> Result<DirTree, Fault> {
    metadata(repo, name, DirTree::decode)
}

/// Reads and verifies a dirmeta.
pub fn dirmeta(repo: &Repo, name: &ObjectName) -> Result<DirMeta, Fault> {
    metadata(repo, name, DirMeta::decode)
}

fn metadata<T>(
    repo: &Repo,
    name: &ObjectName,
    decode: impl FnOnce(&[u8]) -> Result<T, ObjectError>,
) -> Result<T, Fault> {
    let bytes = repo.read_metadata(name).map_err(Fault::corrupt)?.ok_or(Fault::Missing)?;
    compare(name.kind, name.checksum, Checksum::of(&bytes))?;
    decode(&bytes).map_err(Fault::corrupt)
}

/// Reads and verifies a file object.
pub fn file(repo: &Repo, id: &FileId) -> Result<(), Fault> {
    let object = repo.read_file(id).map_err(Fault::corrupt)?.ok_or(Fault::Missing)?;
    let mut hasher = FileHasher::new(&object.header);
    if let Some(mut content) = object.content {
        let mut buffer = vec![0; COPY_BUFFER.min(usize::try_from(object.size).unwrap_or(COPY_BUFFER).max(1))];
        loop {
            let read = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(Fault::corrupt(StoreError::Content { source })),
            };
            hasher.update(buffer.get(..read).unwrap_or_default());
        }
    }
    compare(ObjectKind::File, *id.checksum(), *hasher.finish().checksum())
}

fn compare(kind: ObjectKind, expected: Checksum, actual: Checksum) -> Result<(), Fault> {
    if expected == actual {
        return Ok(());
    }
    Err(Fault::corrupt(StoreError::ChecksumMismatch { kind, expected, actual }))
}
