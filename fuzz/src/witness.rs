//! A store that panics when it is handed an object without the name it must have.

use std::io::Read;

use ostree_core::{
    Checksum, Commit, CommitId, DirMeta, DirTree, FileHeader, FileId, Metadata, ObjectKind, ObjectName, StoreError,
    WriteObject,
};
use testkit::memory_store::MemoryStore;

/// A memory store behind a guard: readers of foreign streams must give every object's name, and must have read and checked
/// metadata before they write it.
#[derive(Debug, Default)]
pub struct Witness(pub MemoryStore);

impl WriteObject for Witness {
    fn has_object(&self, name: &ObjectName) -> Result<bool, StoreError> {
        WriteObject::has_object(&self.0, name)
    }

    fn write_metadata(
        &self,
        kind: ObjectKind,
        bytes: &[u8],
        expect: Option<&Checksum>,
    ) -> Result<Checksum, StoreError> {
        assert_eq!(expect, Some(&Checksum::of(bytes)), "a {kind} under a wrong name");
        match kind {
            ObjectKind::Commit => assert!(Commit::decode(bytes).is_ok()),
            ObjectKind::DirTree => assert!(DirTree::decode(bytes).is_ok()),
            ObjectKind::DirMeta => assert!(DirMeta::decode(bytes).is_ok()),
            other => panic!("a {other} was written"),
        }
        self.0.write_metadata(kind, bytes, expect)
    }

    fn write_detached(&self, commit: &CommitId, metadata: &Metadata) -> Result<(), StoreError> {
        self.0.write_detached(commit, metadata)
    }

    fn write_file(
        &self,
        header: &FileHeader,
        size: u64,
        content: &mut dyn Read,
        expect: Option<&FileId>,
    ) -> Result<FileId, StoreError> {
        assert!(expect.is_some(), "a file without a name");
        self.0.write_file(header, size, content, expect)
    }
}
