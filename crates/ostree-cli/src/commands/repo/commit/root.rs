//! What a commit's tree starts with.

use ostree_core::{DirMetaId, DirTreeId};

/// The two ids that make a tree.
pub type Root = (DirTreeId, DirMetaId);
