//! Giving the objects of trees the labels of a policy that was not known when they were written.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ostree_core::tree::{MutableTree, Node};
use ostree_core::{DirMetaId, FileId, FileObject, ObjectKind, ReadObject, StoreError, WriteObject, Xattrs, mode, walk};
use ostree_repo::Transaction;
use ostree_selinux::Policy;

use crate::error::ContainerError;
use crate::layered::merge::{LABEL, WHITEOUT, put};
use oci_image::each;

/// Relabels trees. What they had before is taken back as soon as nothing needs it, so that at no time there are two of
/// many objects.
pub struct Relabel<'a> {
    transaction: &'a Transaction<'a>,
    /// Without one, labels are removed.
    policy: Option<&'a Policy>,
    /// Whether a file that the policy says nothing of loses its label.
    strip: bool,
    jobs: NonZeroUsize,
    /// How often each file stands in the trees that are going to be relabelled.
    uses: Mutex<HashMap<FileId, usize>>,
    done: Mutex<Done>,
}

/// What files became, each with a label.
type Done = HashMap<(FileId, Option<Vec<u8>>), FileId>;

impl<'a> Relabel<'a> {
    /// Relabels by `policy`. With `strip`, labels that the policy does not give are removed; else they stay. `jobs` threads
    /// work on a tree; where trees are announced it must be one, or a thread could take back what another is about to use.
    pub fn new(transaction: &'a Transaction<'a>, policy: Option<&'a Policy>, strip: bool, jobs: NonZeroUsize) -> Self {
        Self { transaction, policy, strip, jobs, uses: Mutex::default(), done: Mutex::default() }
    }

    /// Notes that `tree` is going to be relabelled. Files of trees that were not announced are not taken back.
    pub fn announce(&self, tree: &mut MutableTree) -> Result<(), StoreError> {
        for node in tree.entries_mut(self.transaction)?.values_mut() {
            match node {
                Node::File(id) => *locked(&self.uses).entry(*id).or_default() += 1,
                Node::Dir(dir) => self.announce(dir)?,
            }
        }
        Ok(())
    }

    /// Relabels a tree, whose root is `/`. Whiteouts are left alone.
    pub fn tree(&self, tree: &mut MutableTree) -> Result<(), ContainerError> {
        let mut files = Vec::new();
        self.directories(tree, &mut String::new(), &mut files)?;
        let new = each(self.jobs, &files, &|| {}, |_, (id, path)| self.file(*id, path))?;
        Ok(self.put_files(tree, &mut new.into_iter())?)
    }

    /// Whether the tree of a commit is labelled by the policy. A commit is labelled as a whole or not at all: the directories
    /// near its root show it.
    pub fn is_labelled(&self, tree: &mut MutableTree) -> Result<bool, ContainerError> {
        if self.policy.is_none() {
            return Ok(true);
        }
        if !self.has_label(tree, "/")? {
            return Ok(false);
        }
        for (name, node) in tree.entries_mut(self.transaction)? {
            let Node::Dir(dir) = node else { continue };
            let path = format!("/{name}");
            if !self.has_label(dir, &path)? {
                return Ok(false);
            }
            for (name, node) in dir.entries_mut(self.transaction)? {
                if let Node::Dir(child) = node
                    && !self.has_label(child, &format!("{path}/{name}"))?
                {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn has_label(&self, dir: &MutableTree, path: &str) -> Result<bool, ContainerError> {
        let Some(id) = dir.meta() else { return Ok(true) };
        let meta = walk::load_dirmeta(self.transaction, &id)?;
        Ok(match self.label(path, mode::DIRECTORY | meta.mode) {
            Some(label) => meta.xattrs.get(LABEL) == label.as_deref(),
            None => true,
        })
    }

    /// Relabels the root alone.
    pub fn root(&self, tree: &mut MutableTree) -> Result<(), ContainerError> {
        if let Some(meta) = tree.meta() {
            tree.set_meta(self.dirmeta(meta, "/")?);
        }
        Ok(())
    }

    /// Relabels the file at `path`, if there is one.
    pub fn file_at(&self, tree: &mut MutableTree, path: &str) -> Result<(), ContainerError> {
        let id = match tree.find(self.transaction, path)? {
            Some(Node::File(id)) => *id,
            Some(Node::Dir(_)) | None => return Ok(()),
        };
        let new = self.file(id, path)?;
        if new == id { Ok(()) } else { put(self.transaction, tree, path, new) }
    }

    /// Relabels the directories, and lists the files with their paths.
    fn directories(
        &self,
        dir: &mut MutableTree,
        path: &mut String,
        files: &mut Vec<(FileId, String)>,
    ) -> Result<(), ContainerError> {
        if let Some(meta) = dir.meta() {
            dir.set_meta(self.dirmeta(meta, if path.is_empty() { "/" } else { path })?);
        }
        let length = path.len();
        for (name, node) in dir.entries_mut(self.transaction)? {
            path.push('/');
            path.push_str(name.as_str());
            match node {
                Node::File(_) if name.as_str().starts_with(WHITEOUT) => {}
                Node::File(id) => files.push((*id, path.clone())),
                Node::Dir(child) => self.directories(child, path, files)?,
            }
            path.truncate(length);
        }
        Ok(())
    }

    /// Puts files in the place of those that [`Relabel::directories`] has listed, in the same order.
    fn put_files(&self, dir: &mut MutableTree, new: &mut impl Iterator<Item = FileId>) -> Result<(), StoreError> {
        for (name, node) in dir.entries_mut(self.transaction)? {
            match node {
                Node::File(_) if name.as_str().starts_with(WHITEOUT) => {}
                Node::File(id) => *id = new.next().unwrap_or(*id),
                Node::Dir(child) => self.put_files(child, new)?,
            }
        }
        Ok(())
    }

    /// What the label is to be; the outer `None` leaves it as it is.
    fn label(&self, path: &str, mode: u32) -> Option<Option<Vec<u8>>> {
        match self.policy.and_then(|policy| policy.label(path, mode)) {
            Some(label) => Some(Some([label.as_bytes(), b"\0"].concat())),
            None if self.strip => Some(None),
            None => None,
        }
    }

    fn dirmeta(&self, id: DirMetaId, path: &str) -> Result<DirMetaId, ContainerError> {
        let mut meta = walk::load_dirmeta(self.transaction, &id)?;
        let Some(label) = self.label(path, mode::DIRECTORY | meta.mode) else { return Ok(id) };
        if !set_label(&mut meta.xattrs, label)? {
            return Ok(id);
        }
        Ok(DirMetaId::new(self.transaction.write_metadata(ObjectKind::DirMeta, &meta.encode(), None)?))
    }

    /// The file `id` as it is labelled at `path`.
    pub fn file(&self, id: FileId, path: &str) -> Result<FileId, ContainerError> {
        let new = self.labelled(id, path)?;
        self.count_down(id, new)?;
        Ok(new)
    }

    fn labelled(&self, id: FileId, path: &str) -> Result<FileId, ContainerError> {
        let object = self.transaction.read_file(&id)?.ok_or(StoreError::Missing { name: id.object() })?;
        let FileObject { mut header, size, content } = object;
        let Some(label) = self.label(path, header.mode) else { return Ok(id) };
        let key = (id, label);
        if let Some(new) = locked(&self.done).get(&key) {
            return Ok(*new);
        }
        if !set_label(&mut header.xattrs, key.1.clone())? {
            return Ok(id);
        }
        let mut content = content.unwrap_or_else(|| Box::new(std::io::empty()));
        let new = self.transaction.write_file(&header, size, &mut content, None)?;
        locked(&self.done).insert(key, new);
        Ok(new)
    }

    /// Takes a file back with its last use. One that keeps its id anywhere is never counted to the end.
    fn count_down(&self, id: FileId, new: FileId) -> Result<(), ContainerError> {
        let mut uses = locked(&self.uses);
        // What is in use under its own name stays, whoever else had that name.
        uses.remove(&new);
        if id != new
            && let Some(left) = uses.get_mut(&id)
        {
            *left -= 1;
            if *left == 0 {
                uses.remove(&id);
                self.transaction.discard(&id.object())?;
            }
        }
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets or removes the label; whether that changes anything.
fn set_label(xattrs: &mut Xattrs, label: Option<Vec<u8>>) -> Result<bool, StoreError> {
    if xattrs.get(LABEL) == label.as_deref() {
        return Ok(false);
    }
    match label {
        Some(label) => xattrs.set(LABEL.to_vec(), label)?,
        None => xattrs.remove(LABEL),
    }
    Ok(true)
}
