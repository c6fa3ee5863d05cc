//! Dirtree objects.

use ostree_core::{DirTree, ObjectKind};

use crate::sample_objects;

/// What is accepted is written again as the same bytes.
pub fn run(data: &[u8]) {
    if let Ok(value) = DirTree::decode(data) {
        assert_eq!(value.encode(), data);
    }
}

/// The sample's directories.
pub fn seeds() -> Vec<Vec<u8>> {
    sample_objects::metadata(ObjectKind::DirTree)
}
