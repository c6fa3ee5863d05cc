//! The objects of the sample commit, from which the seeds are made.

use ostree_core::{CommitId, FileHeader, FileId, ObjectKind, ReadObject};
use testkit::memory_store::MemoryStore;
use testkit::sample;

/// A store with the sample commit.
pub fn store() -> (MemoryStore, CommitId) {
    let store = MemoryStore::new();
    let commit = sample::commit(&store).expect("the sample is valid");
    (store, commit)
}

/// The bytes of every metadata object of this kind.
pub fn metadata(kind: ObjectKind) -> Vec<Vec<u8>> {
    let (store, _) = store();
    let names = store.names().into_iter().filter(|name| name.kind == kind);
    names.filter_map(|name| store.read_metadata(&name).expect("memory is readable")).collect()
}

/// The header and the size of every file object.
pub fn headers() -> Vec<(u64, FileHeader)> {
    let (store, _) = store();
    let names = store.names().into_iter().filter(|name| name.kind == ObjectKind::File);
    let files = names.filter_map(|name| store.read_file(&FileId::new(name.checksum)).expect("memory is readable"));
    files.map(|file| (file.size, file.header)).collect()
}
