//! Finding and putting things in a tree by path.

use ostree_core::tree::{MutableTree, Node};
use ostree_core::{DirMetaId, EntryName, FileId, ReadObject, StoreError};

use super::name::TreePath;
use crate::error::Reason;

/// The directory at `path`, which has slashes between its names and is empty for the root. One that is not there, or is a
/// file, is [`Reason::NotInTree`].
pub(super) fn directory<'t>(
    tree: &'t mut MutableTree,
    store: &dyn ReadObject,
    path: &str,
) -> Result<&'t mut MutableTree, Reason> {
    names(path).try_fold(tree, |dir, name| match dir.entries_mut(store)?.get_mut(name) {
        Some(Node::Dir(child)) => Ok(child),
        Some(Node::File(_)) | None => Err(Reason::NotInTree(name.to_owned())),
    })
}

/// Makes the directory at `path` and gives it and all above it, those that were there too, the metadata that `meta` has for
/// their absolute paths.
pub(super) fn make_directories(
    tree: &mut MutableTree,
    store: &dyn ReadObject,
    path: &str,
    meta: &mut dyn FnMut(&str) -> Result<DirMetaId, StoreError>,
) -> Result<(), Reason> {
    tree.set_meta(meta("/")?);
    let mut so_far = String::new();
    names(path).try_fold(tree, |dir, name| -> Result<_, Reason> {
        let child = dir.ensure_dir(store, EntryName::new(name)?)?;
        so_far.extend(["/", name]);
        child.set_meta(meta(&so_far)?);
        Ok(child)
    })?;
    Ok(())
}

/// Puts a file where its directory is there.
pub(super) fn put_file(
    tree: &mut MutableTree,
    store: &dyn ReadObject,
    path: &TreePath,
    file: FileId,
) -> Result<(), Reason> {
    let (parent, name) = path.split().ok_or(Reason::FileAtRoot)?;
    Ok(directory(tree, store, parent)?.put_file(store, name, file)?)
}

/// The file at `path`.
pub(super) fn file(tree: &mut MutableTree, store: &dyn ReadObject, path: &TreePath) -> Result<FileId, Reason> {
    let (parent, name) = path.split().ok_or_else(|| Reason::LinkToDirectory(path.absolute()))?;
    match directory(tree, store, parent)?.entries_mut(store)?.get(&name) {
        Some(Node::File(id)) => Ok(*id),
        Some(Node::Dir(_)) => Err(Reason::LinkToDirectory(path.as_str().to_owned())),
        None => Err(Reason::NotInTree(name.to_string())),
    }
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}
