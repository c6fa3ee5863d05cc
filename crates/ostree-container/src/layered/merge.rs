//! Laying the layers of an image over each other, as trees of objects: nothing is ever checked out.

use std::collections::{BTreeSet, HashSet};

use ostree_core::tree::{MutableTree, Node};
use ostree_core::{
    CommitId, DirMetaId, EntryName, FileId, ObjectKind, ObjectName, ReadObject, StoreError, WriteObject, walk,
};
use ostree_tar::layer::{LowerLink, LowerTarget};

use crate::error::ContainerError;

/// What the name of a file that hides another begins with.
pub const WHITEOUT: &str = ".wh.";
/// The name of a file that hides all that lower layers have in its directory.
pub const OPAQUE: &str = ".wh..wh..opq";
/// The xattr with the SELinux label, which layers do not carry.
pub const LABEL: &[u8] = b"security.selinux";

/// A layer to be laid over others.
#[derive(Debug, Clone)]
pub struct LayerTree {
    /// What it holds, whiteouts included.
    pub tree: MutableTree,
    /// Which of its directories have no metadata of their own.
    pub implicit: Implicit,
    /// Its hard links to lower layers.
    pub links: Vec<LowerLink>,
}

/// The directories whose metadata means nothing.
#[derive(Debug, Clone)]
pub enum Implicit {
    /// These.
    Paths(BTreeSet<String>),
    /// All that lower layers have too: it is not known which, as in layers that ostree-ext imported.
    Unknown,
}

/// Where a link to a lower layer stands, and the file it led to.
pub type Linked = (String, FileId);

/// Where layers are merged.
pub struct Merge<'a, S> {
    /// Where objects are.
    pub store: &'a S,
    /// The commit that links to objects may lead into.
    pub base: Option<CommitId>,
}

impl<S: ReadObject + WriteObject> Merge<'_, S> {
    /// Lays `layer` over `target`, and tells which files its links to lower layers led to, by the links' paths. Whiteouts
    /// remove what lower layers have, and nothing of their own layer.
    pub fn apply(&self, target: &mut MutableTree, layer: &LayerTree) -> Result<Vec<Linked>, ContainerError> {
        // What links lead to in lower layers must be found before this layer hides it.
        let mut linked = Vec::with_capacity(layer.links.len());
        let mut base_files = None;
        for link in &layer.links {
            linked.push((link.path.clone(), self.resolve(target, link, &mut base_files)?));
        }
        self.directory(target, &mut layer.tree.clone(), &mut String::new(), &layer.implicit)?;
        for (path, file) in &linked {
            put(self.store, target, path, *file)?;
        }
        Ok(linked)
    }

    fn resolve(
        &self,
        target: &mut MutableTree,
        link: &LowerLink,
        base_files: &mut Option<HashSet<ObjectName>>,
    ) -> Result<FileId, ContainerError> {
        match &link.target {
            LowerTarget::Path(path) => match target.find(self.store, path)? {
                Some(Node::File(id)) => Ok(*id),
                Some(Node::Dir(_)) => Err(dangling(link, path, "is a directory")),
                None => Err(dangling(link, path, "is in no layer below")),
            },
            LowerTarget::Object(id) => {
                let files = match base_files {
                    Some(files) => files,
                    None => base_files.insert(self.base_files()?),
                };
                match files.contains(&id.object()) {
                    true => Ok(*id),
                    false => Err(dangling(link, &format!("object {id}"), "is not part of the image's commit")),
                }
            }
        }
    }

    fn base_files(&self) -> Result<HashSet<ObjectName>, StoreError> {
        let mut files = HashSet::new();
        if let Some(base) = &self.base {
            walk::reachable(self.store, base, false, &mut files)?;
        }
        Ok(files)
    }

    fn directory(
        &self,
        target: &mut MutableTree,
        layer: &mut MutableTree,
        path: &mut String,
        implicit: &Implicit,
    ) -> Result<(), StoreError> {
        self.metadata(target, layer, path, implicit)?;
        let entries = std::mem::take(layer.entries_mut(self.store)?);
        let below = target.entries_mut(self.store)?;
        if entries.contains_key(OPAQUE) {
            below.clear();
        }
        for name in entries.keys() {
            if let Some(hidden) = name.as_str().strip_prefix(WHITEOUT) {
                below.remove(hidden);
            }
        }
        for (name, node) in entries {
            match node {
                Node::File(_) if name.as_str().starts_with(WHITEOUT) => {}
                Node::File(file) => {
                    below.insert(name, Node::File(file));
                }
                Node::Dir(mut upper) => {
                    let length = path.len();
                    path.push('/');
                    path.push_str(name.as_str());
                    if !matches!(below.get(&name), Some(Node::Dir(_))) {
                        below.insert(name.clone(), Node::Dir(MutableTree::new()));
                    }
                    if let Some(Node::Dir(lower)) = below.get_mut(&name) {
                        self.directory(lower, &mut upper, path, implicit)?;
                    }
                    path.truncate(length);
                }
            }
        }
        Ok(())
    }

    /// Decides which metadata a directory has that both have.
    fn metadata(
        &self,
        target: &mut MutableTree,
        layer: &MutableTree,
        path: &str,
        implicit: &Implicit,
    ) -> Result<(), StoreError> {
        let Some(new) = layer.meta() else { return Ok(()) };
        let own = match implicit {
            Implicit::Unknown => false,
            Implicit::Paths(paths) => !paths.contains(if path.is_empty() { "/" } else { path }),
        };
        match target.meta() {
            None => target.set_meta(new),
            Some(old) if own && old != new => target.set_meta(self.with_label_of(old, new)?),
            Some(_) => {}
        }
        Ok(())
    }

    /// The metadata `new`, with the label of `old` if it has none itself.
    fn with_label_of(&self, old: DirMetaId, new: DirMetaId) -> Result<DirMetaId, StoreError> {
        let mut meta = walk::load_dirmeta(self.store, &new)?;
        let old = walk::load_dirmeta(self.store, &old)?;
        match old.xattrs.get(LABEL) {
            Some(label) if meta.xattrs.get(LABEL).is_none() => {
                meta.xattrs.set(LABEL.to_vec(), label.to_vec())?;
                let id = self.store.write_metadata(ObjectKind::DirMeta, &meta.encode(), None)?;
                Ok(DirMetaId::new(id))
            }
            _ => Ok(new),
        }
    }
}

/// Puts a file at an absolute path, whose directory must be there.
pub fn put(store: &dyn ReadObject, target: &mut MutableTree, path: &str, file: FileId) -> Result<(), ContainerError> {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let entry = EntryName::new(name)?;
    let dir = match parent.split('/').all(str::is_empty) {
        true => Some(target),
        false => match target.find(store, parent)? {
            Some(Node::Dir(dir)) => Some(dir),
            Some(Node::File(_)) | None => None,
        },
    };
    let dir = dir.ok_or_else(|| ContainerError::Request(format!("{path}: its directory is in no layer")))?;
    dir.entries_mut(store)?.insert(entry, Node::File(file));
    Ok(())
}

fn dangling(link: &LowerLink, target: &str, reason: &str) -> ContainerError {
    ContainerError::LowerLink { path: link.path.clone(), target: target.to_owned(), reason: reason.to_owned() }
}
