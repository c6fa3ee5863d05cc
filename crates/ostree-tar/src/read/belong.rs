//! Which objects belong to a commit, learnt while its stream is read: each must be named by one that came before.

use std::collections::HashSet;

use ostree_core::{Commit, CommitId, DirTree, ObjectName};

use crate::error::Reason;
use crate::limits::MAX_OBJECTS;

/// The objects named so far. All writers put a directory before what is in it, so an object that nothing has named is
/// foreign to the commit.
#[derive(Debug)]
pub(super) struct Belonging {
    commit: CommitId,
    named: HashSet<ObjectName>,
}

impl Belonging {
    /// Starts with what the commit itself names.
    pub(super) fn new(id: CommitId, commit: &Commit) -> Self {
        Self { commit: id, named: HashSet::from([commit.root_tree.object(), commit.root_meta.object()]) }
    }

    /// Refuses an object that is not named.
    pub(super) fn check(&self, object: ObjectName) -> Result<(), Reason> {
        if self.named.contains(&object) { Ok(()) } else { Err(Reason::Foreign { object, commit: self.commit }) }
    }

    /// Takes in what a dirtree names.
    pub(super) fn name_entries(&mut self, tree: &DirTree) -> Result<(), Reason> {
        self.named.extend(tree.files().iter().map(|entry| entry.file.object()));
        self.named.extend(tree.dirs().iter().flat_map(|dir| [dir.tree.object(), dir.meta.object()]));
        if self.named.len() > MAX_OBJECTS {
            return Err(Reason::TooManyObjects { commit: self.commit, limit: MAX_OBJECTS });
        }
        Ok(())
    }
}
