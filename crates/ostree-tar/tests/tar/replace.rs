//! Detached metadata replaced in a stream.

use ostree_core::{Metadata, RawVariant, ReadObject};
use ostree_tar::{Flavour, replace_detached};
use testkit::memory_store::MemoryStore;
use testkit::sample;

use crate::support::{exported, imported, put_together, take_apart};

#[test]
fn replaced_added_and_removed() {
    let store = MemoryStore::new();
    let commit = sample::commit(&store).unwrap();
    let stream = exported(&store, &commit, Flavour::Links);
    let metadata = Metadata::from_iter([("new", RawVariant::string("value"))]);
    let mut replaced = Vec::new();
    assert_eq!(replace_detached(&stream[..], &mut replaced, Some(&metadata.encode())).unwrap(), commit);
    assert_eq!(imported(&replaced).unwrap().0.read_detached(&commit).unwrap(), Some(metadata));
    let mut removed = Vec::new();
    replace_detached(&replaced[..], &mut removed, None).unwrap();
    assert_eq!(imported(&removed).unwrap().0.read_detached(&commit).unwrap(), None);
    let old = store.read_detached(&commit).unwrap().unwrap();
    let mut again = Vec::new();
    replace_detached(&removed[..], &mut again, Some(&old.encode())).unwrap();
    assert_eq!(again, stream);
}

#[test]
fn streams_without_a_commit_or_with_nothing_else_are_refused() {
    let store = MemoryStore::new();
    let commit = sample::small_commit(&store).unwrap();
    let pieces = take_apart(&exported(&store, &commit, Flavour::Links));
    let at = pieces.iter().position(|piece| piece.path.ends_with(".commit")).unwrap();
    let refused = |end: usize| replace_detached(&put_together(&pieces[..end])[..], Vec::new(), None).unwrap_err();
    assert_eq!(refused(at).to_string(), "Missing commit object");
    assert_eq!(refused(at + 1).to_string(), "Expected metadata object after commit");
}
