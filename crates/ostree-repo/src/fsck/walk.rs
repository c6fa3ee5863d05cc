//! Walking the trees of commits: every metadata object is verified once, every file is handed on once.

use std::collections::{BTreeMap, HashSet};

use ostree_core::limits::MAX_TREE_DEPTH;
use ostree_core::{Checksum, CommitId, DirMetaId, DirTreeId, FileId, ObjectError, ObjectName};

use crate::fsck::verify::{self, Fault};
use crate::repo::Repo;

/// What the walk has seen so far.
#[derive(Default)]
pub struct Walk {
    trees: HashSet<Checksum>,
    metas: HashSet<Checksum>,
    files: HashSet<Checksum>,
    commits: u64,
    /// The metadata objects that are bad.
    pub faults: BTreeMap<ObjectName, Fault>,
}

impl Walk {
    /// How many different objects were found, metadata and files.
    pub fn objects(&self) -> u64 {
        self.metadata() + self.files.len() as u64
    }

    /// How many of them are metadata, which is verified by now.
    pub fn metadata(&self) -> u64 {
        self.commits + (self.trees.len() + self.metas.len()) as u64
    }

    /// Verifies a commit and all metadata it reaches. Each file that was not found before goes to `file`, which says
    /// whether to go on.
    pub fn commit(&mut self, repo: &Repo, id: &CommitId, file: &mut dyn FnMut(FileId, &Self) -> bool) -> bool {
        self.commits += 1;
        let commit = match verify::commit(repo, &id.object()) {
            Ok(commit) => commit,
            Err(fault) => {
                self.faults.insert(id.object(), fault);
                return true;
            }
        };
        self.meta(repo, &commit.root_meta);
        let mut pending = vec![(commit.root_tree, 0usize)];
        while let Some((id, depth)) = pending.pop() {
            if !self.trees.insert(*id.checksum()) {
                continue;
            }
            if !self.tree(repo, &id, depth, &mut pending, file) {
                return false;
            }
        }
        true
    }

    fn tree(
        &mut self,
        repo: &Repo,
        id: &DirTreeId,
        depth: usize,
        pending: &mut Vec<(DirTreeId, usize)>,
        file: &mut dyn FnMut(FileId, &Self) -> bool,
    ) -> bool {
        let tree = match verify::dirtree(repo, &id.object()) {
            Ok(tree) => tree,
            Err(fault) => {
                self.faults.insert(id.object(), fault);
                return true;
            }
        };
        if depth > MAX_TREE_DEPTH {
            let reason = format!("directories nest deeper than {MAX_TREE_DEPTH}");
            self.faults.insert(id.object(), Fault::Corrupt(ObjectError::invalid("tree", reason).into()));
            return true;
        }
        for dir in tree.dirs() {
            self.meta(repo, &dir.meta);
            pending.push((dir.tree, depth + 1));
        }
        for entry in tree.files() {
            if self.files.insert(*entry.file.checksum()) && !file(entry.file, self) {
                return false;
            }
        }
        true
    }

    fn meta(&mut self, repo: &Repo, id: &DirMetaId) {
        if self.metas.insert(*id.checksum())
            && let Err(fault) = verify::dirmeta(repo, &id.object())
        {
            self.faults.insert(id.object(), fault);
        }
    }
}
