//! Trees edited in memory and written as objects when they are done.

use std::collections::BTreeMap;

use crate::checksum::Checksum;
use crate::dirtree::{DirEntry, DirTree, FileEntry};
use crate::error::ObjectError;
use crate::id::{DirMetaId, DirTreeId, FileId};
use crate::kind::ObjectKind;
use crate::limits::MAX_TREE_DEPTH;
use crate::name::EntryName;
use crate::store::{ReadObject, StoreError, WriteObject};
use crate::walk::load_dirtree;

/// One entry of a [`MutableTree`].
#[derive(Debug, Clone)]
pub enum Node {
    /// A file.
    File(FileId),
    /// A subdirectory.
    Dir(MutableTree),
}

/// A directory being put together. A subdirectory taken over whole from a commit stays an id until something in it
/// changes, so that overlaying costs what changes, not what is there.
#[derive(Debug, Clone, Default)]
pub struct MutableTree {
    /// The metadata; needed by the time the tree is written.
    meta: Option<DirMetaId>,
    /// The stored tree whose entries this directory has, until it is loaded.
    lazy: Option<DirTreeId>,
    entries: BTreeMap<EntryName, Node>,
}

impl MutableTree {
    /// An empty directory without metadata.
    pub fn new() -> Self {
        Self::default()
    }

    /// The directory that is stored under these two ids.
    pub fn stored(tree: DirTreeId, meta: DirMetaId) -> Self {
        Self { meta: Some(meta), lazy: Some(tree), entries: BTreeMap::new() }
    }

    /// The metadata, if it was set.
    pub fn meta(&self) -> Option<DirMetaId> {
        self.meta
    }

    /// Sets the metadata.
    pub fn set_meta(&mut self, meta: DirMetaId) {
        self.meta = Some(meta);
    }

    /// The entries, loaded from `store` where they are not yet.
    pub fn entries_mut(&mut self, store: &dyn ReadObject) -> Result<&mut BTreeMap<EntryName, Node>, StoreError> {
        if let Some(id) = self.lazy.take() {
            let tree = load_dirtree(store, &id)?;
            self.entries.extend(tree.files().iter().map(|entry| (entry.name.clone(), Node::File(entry.file))));
            self.entries
                .extend(tree.dirs().iter().map(|dir| (dir.name.clone(), Node::Dir(Self::stored(dir.tree, dir.meta)))));
        }
        Ok(&mut self.entries)
    }

    /// What stands at `path`, whose names are separated by slashes; empty names count for nothing. Symlinks are not followed.
    /// The root itself is no node: a path without names gives `None`, as one that is not there.
    pub fn find(&mut self, store: &dyn ReadObject, path: &str) -> Result<Option<&mut Node>, StoreError> {
        let mut names = path.split('/').filter(|name| !name.is_empty()).peekable();
        let mut dir = self;
        while let Some(name) = names.next() {
            match dir.entries_mut(store)?.get_mut(name) {
                found if names.peek().is_none() => return Ok(found),
                Some(Node::Dir(child)) => dir = child,
                Some(Node::File(_)) | None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Puts a file in this directory, replacing a file of that name. A directory of that name is an error.
    pub fn put_file(&mut self, store: &dyn ReadObject, name: EntryName, file: FileId) -> Result<(), StoreError> {
        let entries = self.entries_mut(store)?;
        if matches!(entries.get(&name), Some(Node::Dir(_))) {
            return Err(ObjectError::invalid("tree", format!("Can't replace directory with file: {name}")).into());
        }
        entries.insert(name, Node::File(file));
        Ok(())
    }

    /// The subdirectory of that name, made without metadata if there is none. A file of that name is an error.
    pub fn ensure_dir(&mut self, store: &dyn ReadObject, name: EntryName) -> Result<&mut Self, StoreError> {
        let shown = name.clone();
        match self.entries_mut(store)?.entry(name).or_insert_with(|| Node::Dir(Self::new())) {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => {
                Err(ObjectError::invalid("tree", format!("Can't replace file with directory: {shown}")).into())
            }
        }
    }

    /// Lays `upper` over this directory: directories merge and take the upper metadata, files replace files.
    pub fn overlay(&mut self, store: &dyn ReadObject, mut upper: Self) -> Result<(), StoreError> {
        if upper.meta.is_some() {
            self.meta = upper.meta;
        }
        if self.lazy.is_none() && self.entries.is_empty() {
            self.lazy = upper.lazy.take();
            self.entries = upper.entries;
            return Ok(());
        }
        if upper.lazy.is_some() && upper.lazy == self.lazy {
            return Ok(());
        }
        for (name, node) in std::mem::take(upper.entries_mut(store)?) {
            match node {
                Node::File(file) => self.put_file(store, name, file)?,
                Node::Dir(dir) => self.ensure_dir(store, name)?.overlay(store, dir)?,
            }
        }
        Ok(())
    }

    /// Writes the dirtrees bottom-up and gives the ids of this directory. A directory without metadata is an error.
    pub fn write(&self, store: &dyn WriteObject) -> Result<(DirTreeId, DirMetaId), StoreError> {
        self.write_at(store, 0)
    }

    fn write_at(&self, store: &dyn WriteObject, depth: usize) -> Result<(DirTreeId, DirMetaId), StoreError> {
        let meta = self.meta.ok_or_else(|| ObjectError::invalid("tree", "Can't commit an empty tree"))?;
        if let Some(tree) = self.lazy {
            return Ok((tree, meta));
        }
        if depth > MAX_TREE_DEPTH {
            return Err(ObjectError::invalid("tree", format!("directories nest deeper than {MAX_TREE_DEPTH}")).into());
        }
        let mut files = Vec::new();
        let mut dirs = Vec::new();
        for (name, node) in &self.entries {
            match node {
                Node::File(file) => files.push(FileEntry { name: name.clone(), file: *file }),
                Node::Dir(dir) => {
                    let (tree, meta) = dir.write_at(store, depth + 1)?;
                    dirs.push(DirEntry { name: name.clone(), tree, meta });
                }
            }
        }
        let bytes = DirTree::new(files, dirs)?.encode();
        let id: Checksum = store.write_metadata(ObjectKind::DirTree, &bytes, None)?;
        Ok((DirTreeId::new(id), meta))
    }
}
