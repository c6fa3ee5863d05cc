//! What a layer must hold to turn one tree into another. SELinux labels are not compared: layers do not carry them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use ostree_core::limits::MAX_TREE_DEPTH;
use ostree_core::tree::{MutableTree, Node};
use ostree_core::walk::{load_dirmeta, load_dirtree};
use ostree_core::{
    Checksum, Commit, DirMetaId, DirTreeId, EntryName, FileId, FileObject, ObjectError, ReadObject, StoreError, Xattrs,
    mode,
};

use crate::error::ContainerError;
use crate::layered::merge::{LABEL, WHITEOUT};

/// Where the repository of an encapsulated commit stands: it belongs to the image, not to the tree.
const SYSROOT: &str = "/sysroot";
/// What importers keep of a layer, whatever the system's root is.
const KEPT: [&str; 3] = ["usr", "etc", "var"];
/// How many paths are listed that importers may leave out.
const MAX_OUTSIDE: usize = 100;
/// Bytes compared at once.
const BUFFER: usize = 64 * 1024;

/// A layer's content.
#[derive(Debug, Default)]
pub struct Difference {
    /// The files that are new or changed, and whiteouts for those that are gone; `None` if there are none.
    pub tree: Option<MutableTree>,
    /// The directories that are only there to lead to others.
    pub implicit: BTreeSet<String>,
    /// Paths that importers may leave out, as far as they are listed.
    pub outside: Vec<String>,
}

/// What `new` has that `old` has not, and the other way round.
pub fn difference(
    (store, new): (&dyn ReadObject, &Commit),
    (below, old): (&dyn ReadObject, &Commit),
) -> Result<Difference, ContainerError> {
    let mut differ = Differ { store, below, result: Difference::default(), path: String::new() };
    let new = (new.root_tree, new.root_meta);
    let tree = differ.directory(new, Some((old.root_tree, old.root_meta)), 0)?;
    Ok(Difference { tree, ..differ.result })
}

struct Differ<'a> {
    store: &'a dyn ReadObject,
    below: &'a dyn ReadObject,
    result: Difference,
    /// The absolute path of the directory; empty for the root.
    path: String,
}

impl Differ<'_> {
    /// What is to be said of a directory; `None` if nothing is.
    fn directory(
        &mut self,
        new: (DirTreeId, DirMetaId),
        old: Option<(DirTreeId, DirMetaId)>,
        depth: usize,
    ) -> Result<Option<MutableTree>, ContainerError> {
        if depth > MAX_TREE_DEPTH {
            let reason = format!("directories nest deeper than {MAX_TREE_DEPTH}");
            return Err(ObjectError::invalid("tree", reason).into());
        }
        let own = match old {
            Some((_, meta)) => !self.same_meta(new.1, meta)?,
            None => true,
        };
        if !own && old.map(|(tree, _)| tree) == Some(new.0) {
            return Ok(None);
        }
        let mut tree = MutableTree::new();
        tree.set_meta(new.1);
        if self.path != SYSROOT {
            self.entries(&mut tree, new.0, old.map(|(tree, _)| tree), depth)?;
        }
        if !own {
            if tree.entries_mut(self.store)?.is_empty() {
                return Ok(None);
            }
            if !self.path.is_empty() {
                self.result.implicit.insert(self.path.clone());
            }
        } else if !self.path.is_empty() {
            self.note_outside();
        }
        Ok(Some(tree))
    }

    fn entries(
        &mut self,
        tree: &mut MutableTree,
        new: DirTreeId,
        old: Option<DirTreeId>,
        depth: usize,
    ) -> Result<(), ContainerError> {
        let new = load_dirtree(self.store, &new)?;
        let old = old.map(|id| load_dirtree(self.below, &id)).transpose()?.unwrap_or_default();
        let length = self.path.len();
        for entry in new.files() {
            self.push(entry.name.as_str());
            self.check_name(entry.name.as_str())?;
            let before = old.file(entry.name.as_str()).map(|old| old.file);
            if !before.map_or(Ok(false), |old| self.same_file(entry.file, old))? {
                tree.entries_mut(self.store)?.insert(entry.name.clone(), Node::File(entry.file));
                self.note_outside();
            }
            self.path.truncate(length);
        }
        for entry in new.dirs() {
            self.push(entry.name.as_str());
            self.check_name(entry.name.as_str())?;
            let before = old.dir(entry.name.as_str()).map(|old| (old.tree, old.meta));
            if old.file(entry.name.as_str()).is_some() {
                // ostree-ext, and what unpacks without looking, would fail at the file, or write through it if it is a link.
                hide(tree.entries_mut(self.store)?, entry.name.as_str())?;
            }
            if let Some(child) = self.directory((entry.tree, entry.meta), before, depth + 1)? {
                tree.entries_mut(self.store)?.insert(entry.name.clone(), Node::Dir(child));
            }
            self.path.truncate(length);
        }
        let names = old.files().iter().map(|old| &old.name).chain(old.dirs().iter().map(|old| &old.name));
        for name in names.filter(|name| new.file(name.as_str()).is_none() && new.dir(name.as_str()).is_none()) {
            self.push(name.as_str());
            if self.path != SYSROOT {
                hide(tree.entries_mut(self.store)?, name.as_str())?;
                self.note_outside();
            }
            self.path.truncate(length);
        }
        Ok(())
    }

    fn push(&mut self, name: &str) {
        self.path.push('/');
        self.path.push_str(name);
    }

    fn check_name(&self, name: &str) -> Result<(), ContainerError> {
        match name.starts_with(WHITEOUT) {
            true => Err(ContainerError::Request(format!("{}: in a layer, this name would hide a file", self.path))),
            false => Ok(()),
        }
    }

    fn note_outside(&mut self) {
        let mut names = self.path.split('/').skip(1);
        let kept = names.next().is_none_or(|top| KEPT.contains(&top));
        if !kept && self.result.outside.len() < MAX_OUTSIDE {
            self.result.outside.push(self.path.clone());
        }
    }

    fn same_meta(&self, new: DirMetaId, old: DirMetaId) -> Result<bool, StoreError> {
        if new == old {
            return Ok(true);
        }
        let (new, old) = (load_dirmeta(self.store, &new)?, load_dirmeta(self.below, &old)?);
        let permissions = |mode: u32| mode & mode::PERMISSION_MASK;
        Ok(new.owner == old.owner
            && permissions(new.mode) == permissions(old.mode)
            && unlabelled(new.xattrs) == unlabelled(old.xattrs))
    }

    /// Whether two files differ in their labels at most.
    fn same_file(&self, new: FileId, old: FileId) -> Result<bool, StoreError> {
        if new == old {
            return Ok(true);
        }
        let (new, old) = (read(self.store, new)?, read(self.below, old)?);
        let head = |file: &FileObject| (file.header.owner, file.header.mode, file.size);
        if head(&new) != head(&old)
            || new.header.symlink_target != old.header.symlink_target
            || unlabelled(new.header.xattrs) != unlabelled(old.header.xattrs)
        {
            return Ok(false);
        }
        match (new.content, old.content) {
            (Some(new), Some(old)) => same_bytes(new, old).map_err(|source| StoreError::Content { source }),
            (new, old) => Ok(new.is_none() && old.is_none()),
        }
    }
}

/// Adds the whiteout for a name. Nobody reads the object.
fn hide(entries: &mut BTreeMap<EntryName, Node>, name: &str) -> Result<(), StoreError> {
    entries.insert(EntryName::new(format!("{WHITEOUT}{name}"))?, Node::File(FileId::new(Checksum::of(b""))));
    Ok(())
}

fn read(store: &dyn ReadObject, id: FileId) -> Result<FileObject, StoreError> {
    store.read_file(&id)?.ok_or(StoreError::Missing { name: id.object() })
}

fn unlabelled(mut xattrs: Xattrs) -> Xattrs {
    xattrs.remove(LABEL);
    xattrs
}

fn same_bytes(mut one: Box<dyn Read + Send>, mut other: Box<dyn Read + Send>) -> std::io::Result<bool> {
    let (mut left, mut right) = (Vec::with_capacity(BUFFER), Vec::with_capacity(BUFFER));
    loop {
        left.clear();
        right.clear();
        one.by_ref().take(BUFFER as u64).read_to_end(&mut left)?;
        other.by_ref().take(BUFFER as u64).read_to_end(&mut right)?;
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}
