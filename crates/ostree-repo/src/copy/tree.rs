//! Walking the trees to copy, and the order in which their objects are handed to the workers.

use std::cmp::Reverse;
use std::collections::HashSet;

use ostree_core::limits::MAX_TREE_DEPTH;
use ostree_core::{Checksum, Commit, DirTree, DirTreeId, FileId, ObjectError, ObjectName, StoreError};
use rustix::fs::AtFlags;

use crate::copy::import::Import;
use crate::error::RepoError;
use crate::parallel::Feeder;
use crate::repo::Repo;

/// Files from this size on are put off until all are known and then done in falling order, so that no thread is left
/// alone with a long one at the end.
const LARGE: u64 = 256 * 1024;

/// One object for a worker.
pub enum Work {
    /// A dirmeta.
    Metadata(ObjectName),
    /// A file.
    File(FileId),
}

/// The walk over all trees of a copy. Each object is handed on once.
pub struct TreeWalk<'a> {
    src: &'a Repo,
    import: &'a Import<'a>,
    trees: HashSet<Checksum>,
    others: HashSet<Checksum>,
    large: Vec<(Reverse<u64>, FileId)>,
}

impl<'a> TreeWalk<'a> {
    /// A walk that has seen nothing.
    pub fn new(src: &'a Repo, import: &'a Import<'a>) -> Self {
        Self { src, import, trees: HashSet::new(), others: HashSet::new(), large: Vec::new() }
    }

    /// Walks one commit. Dirtrees are copied here, since they are read here; the rest goes to `feeder`. Stops early
    /// when the workers do.
    pub fn commit(&mut self, commit: &Commit, feeder: &Feeder<Work>, tick: &mut dyn FnMut()) -> Result<(), RepoError> {
        self.metadata(commit.root_meta.object(), feeder, tick);
        let mut pending = vec![(commit.root_tree, 0usize)];
        while let Some((id, depth)) = pending.pop() {
            if !self.trees.insert(*id.checksum()) {
                continue;
            }
            if depth > MAX_TREE_DEPTH {
                let reason = format!("directories nest deeper than {MAX_TREE_DEPTH}");
                return Err(ObjectError::invalid("tree", reason).into());
            }
            let tree = self.dirtree(&id)?;
            for dir in tree.dirs() {
                self.metadata(dir.meta.object(), feeder, tick);
                pending.push((dir.tree, depth + 1));
            }
            for entry in tree.files() {
                if !self.file(entry.file, feeder, tick) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Hands out what was put off.
    pub fn finish(mut self, feeder: &Feeder<Work>, tick: &mut dyn FnMut()) {
        self.large.sort();
        for (_, id) in self.large {
            if !feeder.push(Work::File(id), tick) {
                return;
            }
        }
    }

    fn dirtree(&self, id: &DirTreeId) -> Result<DirTree, RepoError> {
        let name = id.object();
        let bytes = self.import.read_verified(&name)?;
        let tree = DirTree::decode(&bytes).map_err(|source| StoreError::Object { name, source })?;
        self.import.metadata_bytes(&name, &bytes)?;
        Ok(tree)
    }

    fn metadata(&mut self, name: ObjectName, feeder: &Feeder<Work>, tick: &mut dyn FnMut()) {
        if self.others.insert(name.checksum) {
            feeder.push(Work::Metadata(name), tick);
        }
    }

    /// Whether to go on.
    fn file(&mut self, id: FileId, feeder: &Feeder<Work>, tick: &mut dyn FnMut()) -> bool {
        if !self.others.insert(*id.checksum()) {
            return true;
        }
        if !self.import.same_form() {
            let size = self.stored_size(&id);
            if size >= LARGE {
                self.large.push((Reverse(size), id));
                return true;
            }
        }
        feeder.push(Work::File(id), tick)
    }

    /// The size of the source's file, 0 if unknown: it only decides about the order.
    fn stored_size(&self, id: &FileId) -> u64 {
        let path = self.src.loose_path(&id.object());
        rustix::fs::statat(self.src.objects(), &path, AtFlags::SYMLINK_NOFOLLOW)
            .ok()
            .and_then(|stat| u64::try_from(stat.st_size).ok())
            .unwrap_or(0)
    }
}
