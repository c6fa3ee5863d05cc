//! Sets of xattrs.

use ostree_core::Xattrs;

use crate::sample_objects;

/// What is accepted is written again as the same bytes.
pub fn run(data: &[u8]) {
    if let Ok(value) = Xattrs::decode(data) {
        assert_eq!(value.encode(), data);
    }
}

/// Those of the sample's files.
pub fn seeds() -> Vec<Vec<u8>> {
    sample_objects::headers().into_iter().map(|(_, header)| header.xattrs.encode()).collect()
}
