//! Dirmeta objects.

use ostree_core::{DirMeta, ObjectKind};

use crate::sample_objects;

/// What is accepted is written again as the same bytes.
pub fn run(data: &[u8]) {
    if let Ok(value) = DirMeta::decode(data) {
        assert_eq!(value.encode(), data);
    }
}

/// The metadata of the sample's directories.
pub fn seeds() -> Vec<Vec<u8>> {
    sample_objects::metadata(ObjectKind::DirMeta)
}
