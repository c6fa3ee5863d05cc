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
