//! What the layers below a layer have at a path, without merging them.

use ostree_core::tree::{MutableTree, Node};
use ostree_core::{FileId, ReadObject, StoreError};

use crate::layered::merge::{OPAQUE, WHITEOUT};

/// The trees below a layer, the lowest first.
#[derive(Debug, Default)]
pub struct Lower(Vec<MutableTree>);

/// What one tree says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    File(FileId),
    Dir,
    /// Whatever is below is hidden.
    Hidden,
    Nothing,
}

impl Lower {
    /// Lays a tree on top.
    pub fn push(&mut self, tree: MutableTree) {
        self.0.push(tree);
    }

    /// The file at `path`.
    pub fn file(&mut self, store: &dyn ReadObject, path: &str) -> Result<Option<FileId>, StoreError> {
        Ok(match self.says(store, path)? {
            Says::File(id) => Some(id),
            Says::Dir | Says::Hidden | Says::Nothing => None,
        })
    }

    /// Whether there is a directory at `path`.
    pub fn has_dir(&mut self, store: &dyn ReadObject, path: &str) -> Result<bool, StoreError> {
        Ok(self.says(store, path)? == Says::Dir)
    }

    fn says(&mut self, store: &dyn ReadObject, path: &str) -> Result<Says, StoreError> {
        for tree in self.0.iter_mut().rev() {
            match says(tree, store, path)? {
                Says::Nothing => {}
                other => return Ok(other),
            }
        }
        Ok(Says::Nothing)
    }
}

fn says(tree: &mut MutableTree, store: &dyn ReadObject, path: &str) -> Result<Says, StoreError> {
    let mut names = path.split('/').filter(|name| !name.is_empty()).peekable();
    let mut dir = tree;
    let mut opaque = false;
    while let Some(name) = names.next() {
        let entries = dir.entries_mut(store)?;
        opaque |= entries.contains_key(OPAQUE);
        let hidden = opaque || entries.contains_key(format!("{WHITEOUT}{name}").as_str());
        match entries.get_mut(name) {
            Some(Node::Dir(child)) => dir = child,
            Some(Node::File(id)) if names.peek().is_none() => return Ok(Says::File(*id)),
            Some(Node::File(_)) => return Ok(Says::Hidden),
            None if hidden => return Ok(Says::Hidden),
            None => return Ok(Says::Nothing),
        }
    }
    Ok(Says::Dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::memory_store::MemoryStore;
    use testkit::sample::SampleTree;

    fn tree(store: &MemoryStore, files: &[&str]) -> MutableTree {
        let mut tree = SampleTree::new(store).unwrap();
        for path in files {
            tree.file(path, 0o644, path.as_bytes()).unwrap();
        }
        let commit = tree.commit(Default::default()).unwrap();
        let commit = ostree_core::walk::load_commit(store, &commit).unwrap();
        MutableTree::stored(commit.root_tree, commit.root_meta)
    }

    #[test]
    fn the_highest_layer_that_speaks_of_a_path_decides() {
        let store = MemoryStore::new();
        let mut lower = Lower::default();
        lower.push(tree(&store, &["usr/a", "usr/b", "usr/c/d", "usr/e/f", "usr/g"]));
        lower.push(tree(&store, &["usr/.wh.b", "usr/c", "usr/e/.wh..wh..opq", "usr/e/new"]));
        let mut file = |path: &str| lower.file(&store, path).unwrap().is_some();
        for (path, expected) in [
            ("/usr/a", true),
            ("/usr/b", false),
            ("/usr/c", true),
            ("/usr/c/d", false),
            ("/usr/e", false),
            ("/usr/e/f", false),
            ("/usr/e/new", true),
            ("/usr/g", true),
            ("/usr/g/x", false),
            ("/absent", false),
        ] {
            assert_eq!(file(path), expected, "{path}");
        }
        for (path, expected) in [("/usr", true), ("/usr/e", true), ("/usr/c", false), ("/usr/b", false), ("/x", false)]
        {
            assert_eq!(lower.has_dir(&store, path).unwrap(), expected, "{path}");
        }
    }
}
