//! The tree of a layer, when all its entries were read.

use std::collections::BTreeMap;

use ostree_core::tree::{MutableTree, Node as TreeNode};
use ostree_core::{DirMeta, DirMetaId, FileId, ObjectKind, Owner, ReadObject, WriteObject, Xattrs, mode};

use super::labels::{Labels, SELINUX, relabelled};
use super::links::{End, Inode, Link, Names, ends};
use super::namespace::{Dir, Node};
use super::types::{LayerContents, LowerLink};
use crate::archive::writers::Origin;
use crate::error::{Reason, TarError};

/// The mode of directories that the layer does not describe.
const MADE_DIRECTORY: u32 = mode::DIRECTORY | 0o755;

/// A store as its two halves.
type Store<'s> = (&'s dyn ReadObject, &'s dyn WriteObject);

/// Makes the tree of `names`; `ids` are the objects of the inodes that are files.
pub(super) fn finish(
    (read, write): Store<'_>,
    mut names: Names,
    inodes: Vec<Inode>,
    labels: Labels<'_>,
    ids: &[Option<FileId>],
) -> Result<LayerContents, TarError> {
    let ends = ends(&inodes, &names);
    let root = std::mem::take(&mut names.kept.root);
    let contents = LayerContents::default();
    let mut finish = Finish { read, write, inodes, ends, labels, ids, variants: BTreeMap::new(), contents, names };
    finish.contents.leftovers = ids.iter().copied().flatten().collect();
    finish.contents.tree = finish.directory(root, "")?;
    finish.contents.links.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(finish.contents)
}

struct Finish<'f> {
    read: &'f dyn ReadObject,
    write: &'f dyn WriteObject,
    inodes: Vec<Inode>,
    ends: Vec<Option<End>>,
    labels: Labels<'f>,
    ids: &'f [Option<FileId>],
    /// Files that were written once more, with other labels than at first.
    variants: BTreeMap<(usize, Option<u32>), FileId>,
    contents: LayerContents,
    names: Names,
}

/// The absolute path of what is at the relative path `path`.
fn absolute(path: &str) -> String {
    format!("/{path}")
}

fn misplaced(path: &str, source: impl Into<Reason>) -> TarError {
    TarError::Place { path: absolute(path), source: Box::new(source.into()) }
}

impl Finish<'_> {
    fn directory(&mut self, dir: Dir, path: &str) -> Result<MutableTree, TarError> {
        let mut tree = MutableTree::new();
        let meta = match dir.meta {
            Some(meta) => meta,
            None => self.implicit(path)?,
        };
        tree.set_meta(meta);
        for (name, node) in dir.entries {
            let below = if path.is_empty() { name.to_string() } else { format!("{path}/{name}") };
            let node = match node {
                Node::Dir(dir) => TreeNode::Dir(self.directory(dir, &below)?),
                Node::Leaf(leaf) => match self.leaf(leaf, &below)? {
                    Some(id) => {
                        self.contents.leftovers.remove(&id);
                        TreeNode::File(id)
                    }
                    None => continue,
                },
            };
            let entries = tree.entries_mut(self.read).map_err(|source| misplaced(&below, source))?;
            entries.insert(name, node);
        }
        Ok(tree)
    }

    /// The metadata of a directory that the layer does not describe.
    fn implicit(&mut self, path: &str) -> Result<DirMetaId, TarError> {
        let mut xattrs = Xattrs::default();
        if let Some(label) = self.labels.of(path, MADE_DIRECTORY).and_then(|label| self.labels.value(label)) {
            xattrs.set(SELINUX.to_vec(), label).map_err(|source| misplaced(path, source))?;
        }
        let bytes = DirMeta { owner: Owner::default(), mode: MADE_DIRECTORY, xattrs }.encode();
        let written = self.write.write_metadata(ObjectKind::DirMeta, &bytes, None);
        let id = written.map_err(|source| misplaced(path, source))?;
        self.list(path)?;
        self.contents.implicit.insert(absolute(path));
        Ok(DirMetaId::new(id))
    }

    fn list(&mut self, path: &str) -> Result<(), TarError> {
        self.names.charge(path.len());
        self.names.check().map_err(|reason| misplaced(path, reason))
    }

    /// The object of a leaf at `path`; `None` for a link to a lower layer.
    fn leaf(&mut self, leaf: usize, path: &str) -> Result<Option<FileId>, TarError> {
        match (self.inodes.get(leaf), self.ends.get(leaf).copied().flatten()) {
            (Some(Inode::File(file)), _) if !file.linked => self.written(leaf, path).map(Some),
            (Some(Inode::File(_)), _) => self.labelled(leaf, path).map(Some),
            (_, Some(End::File(file))) => self.labelled(file, path).map(Some),
            (Some(Inode::Link(_)), Some(End::Lower(last))) => {
                self.lower(last, path)?;
                Ok(None)
            }
            (Some(Inode::Link(link)), Some(End::Directory(last))) => {
                let target = self.link(last).unwrap_or(link).target.path();
                Err(refused(link, path, Reason::LinkToDirectory(target.to_owned())))
            }
            (Some(Inode::Link(link)), Some(End::Circle) | None) => {
                Err(refused(link, path, Reason::LinkCircle(link.target.path().to_owned())))
            }
            (None, _) => Err(misplaced(path, Reason::NotInTree(path.to_owned()))),
        }
    }

    fn link(&self, number: usize) -> Option<&Link> {
        match self.inodes.get(number) {
            Some(Inode::Link(link)) => Some(link),
            Some(Inode::File(_)) | None => None,
        }
    }

    fn lower(&mut self, last: usize, path: &str) -> Result<(), TarError> {
        let target = self.link(last).map(|link| link.target.lower());
        let target = target.ok_or_else(|| misplaced(path, Reason::NotInTree(path.to_owned())))?;
        self.list(path)?;
        self.contents.links.push(LowerLink { path: absolute(path), target });
        Ok(())
    }

    /// The object that a file was written as.
    fn written(&self, file: usize, path: &str) -> Result<FileId, TarError> {
        let id = self.ids.get(file).copied().flatten();
        id.ok_or_else(|| misplaced(path, Reason::NotInTree(path.to_owned())))
    }

    /// The object of a file with the label that it has at `path`.
    fn labelled(&mut self, number: usize, path: &str) -> Result<FileId, TarError> {
        let id = self.written(number, path)?;
        let Some(Inode::File(file)) = self.inodes.get(number) else { return Ok(id) };
        let label = self.labels.of(path, file.mode);
        if label == file.label {
            return Ok(id);
        }
        if let Some(variant) = self.variants.get(&(number, label)) {
            return Ok(*variant);
        }
        let value = match label {
            Some(label) => self.labels.value(label),
            // Where it was labelled first, this came in the place of what the layer has.
            None => file.own_label.as_deref().map(Vec::from),
        };
        let written = relabelled(self.read, self.write, &id, value);
        let variant = written.map_err(|source| misplaced(path, source))?;
        self.variants.insert((number, label), variant);
        Ok(variant)
    }
}

fn refused(link: &Link, path: &str, reason: Reason) -> TarError {
    Origin { entry: path.to_owned(), offset: link.offset }.refuse(reason)
}
