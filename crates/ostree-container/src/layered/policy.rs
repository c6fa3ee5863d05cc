//! Finding the SELinux policy in a tree.

use std::cell::RefCell;
use std::io::{self, Read};

use ostree_core::tree::{MutableTree, Node};
use ostree_core::{Checksum, ReadObject, StoreError};
use ostree_selinux::{Policy, PolicyFiles};

use crate::error::ContainerError;
use crate::limits::MAX_POLICY_FILE;

/// The files of a tree that may not be written yet.
pub struct TreeFiles<'a> {
    store: &'a dyn ReadObject,
    tree: RefCell<&'a mut MutableTree>,
}

impl<'a> TreeFiles<'a> {
    /// Reads `tree` from `store`.
    pub fn new(store: &'a dyn ReadObject, tree: &'a mut MutableTree) -> Self {
        Self { store, tree: RefCell::new(tree) }
    }

    /// The content of the regular file at `path`, up to `limit` bytes; `None` if there is none.
    pub fn content(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let id = match self.tree.borrow_mut().find(self.store, path)? {
            Some(Node::File(id)) => *id,
            Some(Node::Dir(_)) | None => return Ok(None),
        };
        let file = self.store.read_file(&id)?.ok_or(StoreError::Missing { name: id.object() })?;
        let Some(content) = file.content else { return Ok(None) };
        let mut bytes = Vec::new();
        content.take(limit + 1).read_to_end(&mut bytes).map_err(|source| StoreError::Content { source })?;
        match bytes.len() as u64 > limit {
            true => Err(StoreError::Content { source: io::Error::other(format!("/{path} exceeds {limit} bytes")) }),
            false => Ok(Some(bytes)),
        }
    }
}

impl PolicyFiles for TreeFiles<'_> {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.content(path, MAX_POLICY_FILE).map_err(io::Error::other)
    }
}

/// The policy of a tree, if it has one.
pub fn load(store: &dyn ReadObject, tree: &mut MutableTree) -> Result<Option<Policy>, ContainerError> {
    Ok(Policy::load(&TreeFiles::new(store, tree))?)
}

/// The digest of a policy as text.
pub fn digest(policy: &Policy) -> String {
    Checksum::new(policy.digest()).to_string()
}
