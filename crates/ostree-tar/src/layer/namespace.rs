//! The names of a layer while it is read: the last entry of a name counts.

use std::collections::BTreeMap;

use ostree_core::{DirMetaId, EntryName};

use crate::error::Reason;
use crate::limits::LAYER_ENTRY_OVERHEAD;

/// What stands under a name.
#[derive(Debug)]
pub(super) enum Node {
    /// A file, symlink or link, by its number.
    Leaf(usize),
    /// A directory.
    Dir(Dir),
}

/// A directory.
#[derive(Debug, Default)]
pub(super) struct Dir {
    /// Its metadata, if an entry gave it.
    pub(super) meta: Option<DirMetaId>,
    pub(super) entries: BTreeMap<EntryName, Node>,
}

/// A tree of names. Paths are relative, and empty for the root.
#[derive(Debug, Default)]
pub(super) struct Namespace {
    pub(super) root: Dir,
    /// What the names cost, in bytes. What was replaced is counted too.
    pub(super) cost: usize,
}

impl Namespace {
    /// What stands at `path`; links are not followed.
    pub(super) fn find(&self, path: &str) -> Option<Found> {
        let mut dir = &self.root;
        let mut names = path.split('/').filter(|name| !name.is_empty()).peekable();
        while let Some(name) = names.next() {
            match dir.entries.get(name)? {
                Node::Dir(child) => dir = child,
                Node::Leaf(leaf) if names.peek().is_none() => return Some(Found::Leaf(*leaf)),
                Node::Leaf(_) => return None,
            }
        }
        Some(Found::Dir)
    }

    /// Puts a file, symlink or link at `path`, in the place of whatever is there.
    pub(super) fn put_leaf(&mut self, path: &str, leaf: usize) -> Result<(), Reason> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() {
            return Err(Reason::FileAtRoot);
        }
        let name = EntryName::new(name)?;
        self.cost += cost(&name);
        self.directory(parent)?.entries.insert(name, Node::Leaf(leaf));
        Ok(())
    }

    /// Puts a directory at `path`. One that is there keeps what is in it; anything else is replaced.
    pub(super) fn put_dir(&mut self, path: &str, meta: Option<DirMetaId>) -> Result<(), Reason> {
        self.directory(path)?.meta = meta;
        Ok(())
    }

    /// The directory at `path`, made with those above it, in the place of files and symlinks.
    fn directory(&mut self, path: &str) -> Result<&mut Dir, Reason> {
        let mut dir = &mut self.root;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if !matches!(dir.entries.get(name), Some(Node::Dir(_))) {
                let name = EntryName::new(name)?;
                self.cost += cost(&name);
                dir.entries.insert(name, Node::Dir(Dir::default()));
            }
            dir = match dir.entries.get_mut(name) {
                Some(Node::Dir(child)) => child,
                // It was there or was made just now.
                Some(Node::Leaf(_)) | None => return Err(Reason::NotInTree(name.to_owned())),
            };
        }
        Ok(dir)
    }
}

fn cost(name: &EntryName) -> usize {
    name.as_str().len() + LAYER_ENTRY_OVERHEAD
}

/// What was found under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A file, symlink or link, by its number.
    Leaf(usize),
    /// A directory.
    Dir,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_counts() {
        let mut names = Namespace::default();
        names.put_leaf("a/b", 1).unwrap();
        assert_eq!(names.find("a"), Some(Found::Dir));
        assert_eq!(names.find("a/b"), Some(Found::Leaf(1)));
        names.put_leaf("a/b/c", 2).unwrap();
        assert_eq!(names.find("a/b"), Some(Found::Dir));
        names.put_dir("a", None).unwrap();
        assert_eq!(names.find("a/b/c"), Some(Found::Leaf(2)));
        names.put_leaf("a", 3).unwrap();
        assert_eq!(names.find("a/b/c"), None);
        assert_eq!(names.find("a"), Some(Found::Leaf(3)));
        names.put_dir("a", None).unwrap();
        assert_eq!(names.find("a/b"), None);
        assert_eq!(names.find(""), Some(Found::Dir));
        assert!(matches!(names.put_leaf("", 1), Err(Reason::FileAtRoot)));
    }
}
