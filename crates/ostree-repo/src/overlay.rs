//! Objects that are staged, in front of those that the repository has.

use ostree_core::{CommitId, FileId, FileObject, Metadata, ObjectKind, ObjectName, ReadObject, StoreError};

use crate::fs::Dir;
use crate::loose;
use crate::repo::Repo;

/// Directories laid out as `objects/`, looked into before `repo` is. An object may move from one of them into the
/// repository at any time, never back.
pub struct Overlay<'a, D> {
    /// The directories.
    pub staged: &'a [D],
    /// What is behind them.
    pub repo: &'a Repo,
}

impl<D: AsRef<Dir>> Overlay<'_, D> {
    /// What `read` finds first.
    fn find<T>(&self, read: impl Fn(&Dir) -> Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
        for dir in self.staged {
            if let Some(found) = read(dir.as_ref())? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

impl<D: AsRef<Dir> + Sync> ReadObject for Overlay<'_, D> {
    fn has_object(&self, name: &ObjectName) -> Result<bool, StoreError> {
        let path = self.repo.loose_path(name);
        match self.find(|dir| Ok(dir.exists(&path)?.then_some(())))? {
            Some(()) => Ok(true),
            None => self.repo.has_object(name),
        }
    }

    fn read_metadata(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, StoreError> {
        match self.find(|dir| Ok(loose::read_metadata(dir, name)?))? {
            Some(bytes) => Ok(Some(bytes)),
            None => self.repo.read_metadata(name),
        }
    }

    fn read_detached(&self, commit: &CommitId) -> Result<Option<Metadata>, StoreError> {
        let name = ObjectName::new(ObjectKind::CommitMeta, *commit.checksum());
        match self.find(|dir| Ok(loose::read_metadata(dir, &name)?))? {
            Some(bytes) => Metadata::decode(&bytes).map(Some).map_err(|source| StoreError::Object { name, source }),
            None => self.repo.read_detached(commit),
        }
    }

    fn read_file(&self, id: &FileId) -> Result<Option<FileObject>, StoreError> {
        match self.find(|dir| Ok(loose::read_file(dir, self.repo.config(), id)?))? {
            Some(file) => Ok(Some(file)),
            None => self.repo.read_file(id),
        }
    }
}
