//! Streams of the export format with a commit.

use ostree_core::{CommitId, ReadObject};
use ostree_tar::{ExportOptions, Flavour, ImportOptions, check_complete, export, import};
use testkit::memory_store::MemoryStore;
use testkit::sample;

use crate::tar_repair::both;
use crate::witness::Witness;

/// Nothing is written under a wrong name; a stream that gives a whole commit gives nothing else.
pub fn run(data: &[u8]) {
    both(data, |stream| {
        let store = Witness::default();
        let options = ImportOptions { writers: 0, ..ImportOptions::default() };
        let Ok(imported) = import(stream, &store, options) else { return };
        let commit = imported.commit;
        assert!(store.0.names().iter().any(|name| *name == commit.object()), "the commit was written");
        if check_complete(&store.0, &commit).is_ok() {
            same_when_exported_again(&store.0, &commit);
        }
    });
}

fn same_when_exported_again(store: &MemoryStore, commit: &CommitId) {
    let mut stream = Vec::new();
    export(store, commit, ExportOptions::default(), &mut stream).expect("a whole commit can be exported");
    let again = Witness::default();
    import(&stream[..], &again, ImportOptions { writers: 0, ..ImportOptions::default() })
        .expect("what was exported can be imported");
    assert_eq!(again.0.names(), store.names());
    assert_eq!(again.0.read_detached(commit).ok(), store.read_detached(commit).ok());
}

/// The streams of small commits, in both flavours; some without the files' directory entries in front, which are long.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for flavour in [Flavour::Links, Flavour::Shared] {
        for make in [sample::small_commit, sample::sysroot_only_commit, odd_commit] {
            let store = MemoryStore::new();
            let commit = make(&store).expect("the sample is valid");
            let mut stream = Vec::new();
            export(&store, &commit, ExportOptions { flavour }, &mut stream).expect("memory is writable");
            seeds.push(without_directories(&stream));
        }
    }
    seeds
}

/// A commit with detached metadata, xattrs, a symlink and a long name.
fn odd_commit(store: &dyn testkit::memory_store::Store) -> Result<CommitId, ostree_core::StoreError> {
    use ostree_core::{FileHeader, Metadata, Owner, RawVariant};
    let mut tree = sample::SampleTree::new(store)?;
    let set = sample::xattrs(&[("security.selinux", b"label\0"), ("user.multi", b"one\ntwo\n")]);
    tree.put("a", &FileHeader::regular(Owner { uid: 3_000_000, gid: 1 }, 0o4755, set), b"content\n")?;
    tree.symlink("link", &format!("../..//{}", "t".repeat(120)))?;
    tree.file(&format!("usr/etc/{}", "n".repeat(120)), 0o644, b"")?;
    let id = tree.commit(Metadata::from_iter([("version", RawVariant::string("1"))]))?;
    store.write_detached(&id, &Metadata::from_iter([("key", RawVariant::string("value"))]))?;
    Ok(id)
}

/// The stream without its directory entries, which readers pass over: so mutations hit what matters.
pub fn without_directories(stream: &[u8]) -> Vec<u8> {
    let mut entries = ostree_tar::entry::Entries::keeping_headers(stream);
    let (mut kept, mut content) = (Vec::new(), Vec::new());
    while let Ok(Some(entry)) = entries.next_entry() {
        let directory = entry.kind.is_dir();
        let headers = entry.headers.clone();
        entries.read_content(&mut content).expect("the seed is whole");
        if !directory {
            kept.extend_from_slice(&headers);
            kept.extend_from_slice(&content);
            kept.resize(kept.len().next_multiple_of(512), 0);
        }
    }
    kept.resize(kept.len() + 1024, 0);
    kept
}
