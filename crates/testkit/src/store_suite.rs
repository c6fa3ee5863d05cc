//! What every object store must do, checked over the store traits alone.

use std::collections::HashSet;
use std::io::Read;

use ostree_core::{
    Checksum, CommitId, DirTree, FileHeader, FileId, Metadata, ObjectKind, ObjectName, Owner, RawVariant, ReadObject,
    StoreError, WriteObject, Xattrs, walk,
};

use crate::memory_store::Store;
use crate::sample;

/// Runs every check, each on a fresh and empty store made by `make`. Panics at the first that fails. The store must keep
/// owners, modes and xattrs as they are (so not a `bare-user-only` repository).
pub fn run(make: &dyn Fn() -> Box<dyn Store>) {
    metadata_round_trip(&*make());
    absent_is_none(&*make());
    wrong_names_are_refused(&*make());
    files_round_trip(&*make());
    wrong_sizes_are_refused(&*make());
    detached_is_replaced(&*make());
    whole_commits(&*make());
    many_threads(&*make());
}

fn stored(store: &dyn Store, name: &ObjectName) -> bool {
    let read = ReadObject::has_object(store, name).expect("readable");
    let write = WriteObject::has_object(store, name).expect("readable");
    assert_eq!(read, write, "both sides of the store see {name} alike");
    read
}

/// Header and content of a file that must be there.
fn read_whole(store: &dyn Store, id: &FileId) -> (FileHeader, Vec<u8>) {
    let file = store.read_file(id).expect("readable").expect("stored");
    assert_eq!(file.content.is_none(), file.header.is_symlink(), "symlinks alone have no content");
    let mut bytes = Vec::new();
    if let Some(mut content) = file.content {
        content.read_to_end(&mut bytes).expect("readable content");
    }
    assert_eq!(file.size, bytes.len() as u64);
    (file.header, bytes)
}

fn metadata_round_trip(store: &dyn Store) {
    let bytes = DirTree::default().encode();
    let name = ObjectName::new(ObjectKind::DirTree, Checksum::of(&bytes));
    assert!(!stored(store, &name));
    for _ in 0..2 {
        let checksum = store.write_metadata(ObjectKind::DirTree, &bytes, Some(&name.checksum)).expect("written");
        assert_eq!(checksum, name.checksum);
        assert!(stored(store, &name));
        assert_eq!(store.read_metadata(&name).expect("readable").as_deref(), Some(&bytes[..]));
    }
}

fn absent_is_none(store: &dyn Store) {
    let checksum = Checksum::of(b"nothing has this name");
    for kind in [ObjectKind::Commit, ObjectKind::DirTree, ObjectKind::DirMeta] {
        let name = ObjectName::new(kind, checksum);
        assert!(!stored(store, &name));
        assert!(store.read_metadata(&name).expect("readable").is_none());
    }
    assert!(store.read_file(&FileId::new(checksum)).expect("readable").is_none());
    assert!(store.read_detached(&CommitId::new(checksum)).expect("readable").is_none());
}

fn wrong_names_are_refused(store: &dyn Store) {
    let lie = Checksum::of(b"a lie");
    let bytes = DirTree::default().encode();
    let refused = store.write_metadata(ObjectKind::DirTree, &bytes, Some(&lie));
    assert!(matches!(refused, Err(StoreError::ChecksumMismatch { .. })), "{refused:?}");
    let header = FileHeader::regular(Owner::default(), 0o644, Xattrs::default());
    let refused = store.write_file(&header, 2, &mut &b"hi"[..], Some(&FileId::new(lie)));
    assert!(matches!(refused, Err(StoreError::ChecksumMismatch { .. })), "{refused:?}");
    let link = FileHeader::symlink(Owner::default(), "hi", Xattrs::default());
    let refused = store.write_file(&link, 0, &mut std::io::empty(), Some(&FileId::new(lie)));
    assert!(matches!(refused, Err(StoreError::ChecksumMismatch { .. })), "{refused:?}");
    for kind in [ObjectKind::DirTree, ObjectKind::File] {
        assert!(!stored(store, &ObjectName::new(kind, lie)));
    }
    assert!(!stored(store, &ObjectName::new(ObjectKind::DirTree, Checksum::of(&bytes))), "nothing is left behind");
}

fn files_round_trip(store: &dyn Store) {
    let owner = Owner { uid: 12, gid: 34 };
    let set = sample::xattrs(&[("user.a", b"\0\n"), ("user.b", b"")]);
    let files = [
        (FileHeader::regular(Owner::default(), 0o644, Xattrs::default()), Vec::new()),
        (FileHeader::regular(owner, 0o4711, set.clone()), sample::noise(3, 300_000)),
        (FileHeader::regular(owner, 0o000, Xattrs::default()), b"unreadable".to_vec()),
        (FileHeader::symlink(owner, "../..//there", set), Vec::new()),
    ];
    for (header, content) in files {
        let id = store.write_file(&header, content.len() as u64, &mut &content[..], None).expect("written");
        assert!(stored(store, &id.object()));
        assert_eq!(read_whole(store, &id), (header.clone(), content.clone()));
        let again = store.write_file(&header, content.len() as u64, &mut &content[..], Some(&id)).expect("written");
        assert_eq!(again, id);
    }
}

fn wrong_sizes_are_refused(store: &dyn Store) {
    let header = FileHeader::regular(Owner::default(), 0o644, Xattrs::default());
    for size in [1, 3, 100_000] {
        let refused = store.write_file(&header, size, &mut &b"hi"[..], None);
        assert!(refused.is_err(), "2 bytes announced as {size}");
    }
}

fn detached_is_replaced(store: &dyn Store) {
    let id = sample::small_commit(store).expect("written");
    for text in ["one", "two"] {
        let metadata = Metadata::from_iter([("key", RawVariant::string(text))]);
        store.write_detached(&id, &metadata).expect("written");
        assert_eq!(store.read_detached(&id).expect("readable"), Some(metadata));
    }
}

fn whole_commits(store: &dyn Store) {
    let id = sample::commit(store).expect("written");
    assert!(walk::missing(store, &id).expect("walked").is_empty());
    let mut names = HashSet::new();
    walk::reachable(store, &id, false, &mut names).expect("walked");
    for name in names {
        if name.kind == ObjectKind::File {
            let file = FileId::new(name.checksum);
            let (header, content) = read_whole(store, &file);
            let mut hasher = ostree_core::FileHasher::new(&header);
            hasher.update(&content);
            assert_eq!(hasher.finish(), file);
        } else {
            let bytes = store.read_metadata(&name).expect("readable").expect("stored");
            assert_eq!(Checksum::of(&bytes), name.checksum);
        }
    }
}

/// Several threads write the same and different files at once.
fn many_threads(store: &dyn Store) {
    let header = FileHeader::regular(Owner::default(), 0o644, Xattrs::default());
    let write = |seed: u64| {
        let content = sample::noise(seed, 1000);
        store.write_file(&header, 1000, &mut &content[..], None).expect("written")
    };
    let ids: Vec<Vec<FileId>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| (0..20).map(write).collect())).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]));
    for id in &ids[0] {
        assert_eq!(read_whole(store, id).1.len(), 1000);
    }
}
