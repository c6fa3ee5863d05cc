//! Everything that is reachable from a commit.

use std::collections::BTreeSet;
use std::collections::HashSet;

use crate::commit::Commit;
use crate::dirmeta::DirMeta;
use crate::dirtree::DirTree;
use crate::error::ObjectError;
use crate::id::{CommitId, DirMetaId, DirTreeId};
use crate::kind::{ObjectKind, ObjectName};
use crate::limits::MAX_TREE_DEPTH;
use crate::store::{ReadObject, StoreError};

/// Reads a commit that must be there.
pub fn load_commit(store: &dyn ReadObject, id: &CommitId) -> Result<Commit, StoreError> {
    let bytes = load(store, id.object())?;
    Commit::decode(&bytes).map_err(|source| StoreError::Object { name: id.object(), source })
}

/// Reads a dirtree that must be there.
pub fn load_dirtree(store: &dyn ReadObject, id: &DirTreeId) -> Result<DirTree, StoreError> {
    let bytes = load(store, id.object())?;
    DirTree::decode(&bytes).map_err(|source| StoreError::Object { name: id.object(), source })
}

/// Reads a dirmeta that must be there.
pub fn load_dirmeta(store: &dyn ReadObject, id: &DirMetaId) -> Result<DirMeta, StoreError> {
    let bytes = load(store, id.object())?;
    DirMeta::decode(&bytes).map_err(|source| StoreError::Object { name: id.object(), source })
}

fn load(store: &dyn ReadObject, name: ObjectName) -> Result<Vec<u8>, StoreError> {
    store.read_metadata(&name)?.ok_or(StoreError::Missing { name })
}

/// Adds to `found` every object of `commit`: itself, its dirtrees, dirmetas and files; not its parent. What `found`
/// holds already is not looked into again. With `tolerant`, missing dirtrees are named but not followed, as in a
/// partial commit.
pub fn reachable(
    store: &dyn ReadObject,
    commit: &CommitId,
    tolerant: bool,
    found: &mut HashSet<ObjectName>,
) -> Result<(), StoreError> {
    let root = load_commit(store, commit)?;
    found.insert(commit.object());
    found.insert(root.root_meta.object());
    let mut pending = vec![(root.root_tree, 0usize)];
    while let Some((id, depth)) = pending.pop() {
        if !found.insert(id.object()) {
            continue;
        }
        if depth > MAX_TREE_DEPTH {
            return Err(ObjectError::invalid("tree", format!("directories nest deeper than {MAX_TREE_DEPTH}")).into());
        }
        let tree = match load_dirtree(store, &id) {
            Err(StoreError::Missing { .. }) if tolerant => continue,
            other => other?,
        };
        found.extend(tree.files().iter().map(|entry| entry.file.object()));
        for dir in tree.dirs() {
            found.insert(dir.meta.object());
            pending.push((dir.tree, depth + 1));
        }
    }
    Ok(())
}

/// The objects of `commit` that the store does not have, in order. A missing dirtree hides what it would name.
pub fn missing(store: &dyn ReadObject, commit: &CommitId) -> Result<BTreeSet<ObjectName>, StoreError> {
    let mut found = HashSet::new();
    if !store.has_object(&commit.object())? {
        return Ok(BTreeSet::from([commit.object()]));
    }
    reachable(store, commit, true, &mut found)?;
    let mut absent = BTreeSet::new();
    for name in found {
        if name.kind != ObjectKind::Commit && !store.has_object(&name)? {
            absent.insert(name);
        }
    }
    Ok(absent)
}
