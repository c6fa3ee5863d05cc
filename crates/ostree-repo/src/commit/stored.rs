//! A tree from another commit, with every entry as the modifier makes it.

use ostree_core::limits::MAX_TREE_DEPTH;
use ostree_core::tree::{MutableTree, Node};
use ostree_core::walk::{load_commit, load_dirmeta, load_dirtree};
use ostree_core::{
    CommitId, DirMetaId, DirTreeId, FileHeader, FileId, ObjectError, ObjectKind, ReadObject, StoreError, WriteObject,
};

use crate::commit::modifier::{Modifier, Verdict};
use crate::commit::object::commit_tree;
use crate::error::RepoError;
use crate::transaction::Transaction;

/// Lays the tree of a commit over `tree`. Where the modifier changes nothing, nothing of it is read.
pub fn add_commit(
    transaction: &Transaction<'_>,
    tree: &mut MutableTree,
    id: &CommitId,
    modifier: &Modifier,
) -> Result<(), RepoError> {
    let stored = commit_tree(transaction.repo(), id)?;
    if modifier.changes_nothing() {
        return Ok(tree.overlay(transaction, stored)?);
    }
    let commit = load_commit(transaction, id)?;
    let rewrite = Rewrite { transaction, modifier };
    match rewrite.dir("", (&commit.root_tree, &commit.root_meta), 0)? {
        Some(changed) => Ok(tree.overlay(transaction, changed)?),
        None => Ok(()),
    }
}

struct Rewrite<'a, 't> {
    transaction: &'a Transaction<'t>,
    modifier: &'a Modifier,
}

impl Rewrite<'_, '_> {
    /// The directory at `path` (empty for the root); `None` if the modifier leaves it out.
    fn dir(
        &self,
        path: &str,
        (tree, meta): (&DirTreeId, &DirMetaId),
        depth: usize,
    ) -> Result<Option<MutableTree>, RepoError> {
        if depth > MAX_TREE_DEPTH {
            let reason = format!("directories nest deeper than {MAX_TREE_DEPTH}");
            return Err(StoreError::from(ObjectError::invalid("tree", reason)).into());
        }
        let mut facts = load_dirmeta(self.transaction, meta)?;
        let shown = if path.is_empty() { "/" } else { path };
        let Verdict::Keep { owner, mode } = self.modifier.apply(shown, facts.owner, facts.mode) else {
            return Ok(None);
        };
        (facts.owner, facts.mode) = (owner, mode);
        facts.xattrs = self.modifier.xattrs(shown, mode, facts.xattrs);
        let meta = self.transaction.write_metadata(ObjectKind::DirMeta, &facts.encode(), None)?;
        let mut changed = MutableTree::new();
        changed.set_meta(DirMetaId::new(meta));
        let stored = load_dirtree(self.transaction, tree)?;
        let entries = changed.entries_mut(self.transaction)?;
        for entry in stored.files() {
            if let Some(id) = self.file(&format!("{path}/{}", entry.name), &entry.file)? {
                entries.insert(entry.name.clone(), Node::File(id));
            }
        }
        for entry in stored.dirs() {
            let below = format!("{path}/{}", entry.name);
            if let Some(dir) = self.dir(&below, (&entry.tree, &entry.meta), depth + 1)? {
                entries.insert(entry.name.clone(), Node::Dir(dir));
            }
        }
        Ok(Some(changed))
    }

    fn file(&self, path: &str, id: &FileId) -> Result<Option<FileId>, RepoError> {
        let missing = || StoreError::Missing { name: id.object() };
        let object = self.transaction.read_file(id)?.ok_or_else(missing)?;
        let Verdict::Keep { owner, mode } = self.modifier.apply(path, object.header.owner, object.header.mode) else {
            return Ok(None);
        };
        let xattrs = self.modifier.xattrs(path, mode, object.header.xattrs.clone());
        let header = FileHeader { owner, mode, symlink_target: object.header.symlink_target.clone(), xattrs };
        if header == object.header {
            return Ok(Some(*id));
        }
        let mut content = object.content.unwrap_or_else(|| Box::new(std::io::empty()));
        Ok(Some(self.transaction.write_file(&header, object.size, &mut content, None)?))
    }
}
