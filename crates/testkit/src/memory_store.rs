//! An object store in memory that checks every name, for tests and fuzzing.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ostree_core::{
    Checksum, CommitId, FileHasher, FileHeader, FileId, FileObject, Metadata, ObjectKind, ObjectName, ReadObject,
    StoreError, WriteObject,
};

/// A place that objects are both read from and written to.
pub trait Store: ReadObject + WriteObject {}

impl<T: ReadObject + WriteObject> Store for T {}

/// A file as the memory store holds it: header and content, which is shared with its readers.
type StoredFile = (FileHeader, Arc<[u8]>);

#[derive(Debug, Default)]
struct Objects {
    metadata: BTreeMap<ObjectName, Vec<u8>>,
    detached: BTreeMap<CommitId, Metadata>,
    files: BTreeMap<FileId, StoredFile>,
}

/// An object store in memory. Several threads may use it at once. Writing checks names as a repository does.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Objects>);

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of everything held, detached metadata left out, in order.
    pub fn names(&self) -> Vec<ObjectName> {
        let objects = self.objects();
        objects.metadata.keys().copied().chain(objects.files.keys().map(FileId::object)).collect()
    }

    /// Takes an object out, as a damaged repository has lost it; whether it was there.
    pub fn remove(&self, name: &ObjectName) -> bool {
        let mut objects = self.objects();
        match name.kind {
            ObjectKind::File => objects.files.remove(&FileId::new(name.checksum)).is_some(),
            _ => objects.metadata.remove(name).is_some(),
        }
    }

    /// Puts bytes under a name that they need not have, as a damaged repository holds them.
    pub fn plant_metadata(&self, name: ObjectName, bytes: Vec<u8>) {
        self.objects().metadata.insert(name, bytes);
    }

    /// Puts a file under a name that it need not have, as a damaged repository holds it.
    pub fn plant_file(&self, id: FileId, header: FileHeader, content: &[u8]) {
        self.objects().files.insert(id, (header, content.into()));
    }

    /// The whole content of a regular file, empty for a symlink; `None` if the file is not there.
    pub fn content(&self, id: &FileId) -> Option<Vec<u8>> {
        self.objects().files.get(id).map(|(_, content)| content.to_vec())
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        // A test that panicked while it held the lock left whole objects behind; each change is one insert.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, name: &ObjectName) -> bool {
        let objects = self.objects();
        match name.kind {
            ObjectKind::File => objects.files.contains_key(&FileId::new(name.checksum)),
            _ => objects.metadata.contains_key(name),
        }
    }
}

impl ReadObject for MemoryStore {
    fn has_object(&self, name: &ObjectName) -> Result<bool, StoreError> {
        Ok(self.has(name))
    }

    fn read_metadata(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.objects().metadata.get(name).cloned())
    }

    fn read_detached(&self, commit: &CommitId) -> Result<Option<Metadata>, StoreError> {
        Ok(self.objects().detached.get(commit).cloned())
    }

    fn read_file(&self, id: &FileId) -> Result<Option<FileObject>, StoreError> {
        let Some((header, content)) = self.objects().files.get(id).cloned() else { return Ok(None) };
        let size = content.len() as u64;
        let content = (!header.is_symlink()).then(|| Box::new(Cursor::new(content)) as Box<dyn Read + Send>);
        Ok(Some(FileObject { header, size, content }))
    }
}

impl WriteObject for MemoryStore {
    fn has_object(&self, name: &ObjectName) -> Result<bool, StoreError> {
        Ok(self.has(name))
    }

    fn write_metadata(
        &self,
        kind: ObjectKind,
        bytes: &[u8],
        expect: Option<&Checksum>,
    ) -> Result<Checksum, StoreError> {
        let actual = Checksum::of(bytes);
        check_name(kind, expect, actual)?;
        self.objects().metadata.entry(ObjectName::new(kind, actual)).or_insert_with(|| bytes.to_vec());
        Ok(actual)
    }

    fn write_detached(&self, commit: &CommitId, metadata: &Metadata) -> Result<(), StoreError> {
        self.objects().detached.insert(*commit, metadata.clone());
        Ok(())
    }

    fn write_file(
        &self,
        header: &FileHeader,
        size: u64,
        content: &mut dyn Read,
        expect: Option<&FileId>,
    ) -> Result<FileId, StoreError> {
        header.validate()?;
        let mut bytes = Vec::new();
        if !header.is_symlink() {
            // One byte more than promised is enough to notice that there are too many.
            let read = content.take(size.saturating_add(1)).read_to_end(&mut bytes);
            read.map_err(|source| StoreError::Content { source })?;
        }
        if bytes.len() as u64 != size {
            let source = std::io::Error::other(format!("{} bytes where {size} were announced", bytes.len()));
            return Err(StoreError::Content { source });
        }
        let mut hasher = FileHasher::new(header);
        hasher.update(&bytes);
        let id = hasher.finish();
        check_name(ObjectKind::File, expect.map(FileId::checksum), *id.checksum())?;
        self.objects().files.entry(id).or_insert_with(|| (header.clone(), bytes.into()));
        Ok(id)
    }
}

fn check_name(kind: ObjectKind, expect: Option<&Checksum>, actual: Checksum) -> Result<(), StoreError> {
    match expect {
        Some(expected) if *expected != actual => {
            Err(StoreError::ChecksumMismatch { kind, expected: *expected, actual })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_the_store_suite() {
        crate::store_suite::run(&|| Box::new(MemoryStore::new()));
    }

    #[test]
    fn planted_objects_are_given_back_as_they_are() {
        let store = MemoryStore::new();
        let name = ObjectName::new(ObjectKind::DirTree, Checksum::of(b"something else"));
        store.plant_metadata(name, b"lie".to_vec());
        assert_eq!(store.read_metadata(&name).expect("readable"), Some(b"lie".to_vec()));
        assert!(store.remove(&name));
        assert!(store.names().is_empty());
    }
}
