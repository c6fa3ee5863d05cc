//! File headers.

use ostree_core::FileHeader;

use crate::sample_objects;

/// The bytes that stand before the header where it is hashed.
const PREFIX: usize = 8;

/// What is accepted is written again as the same bytes.
pub fn run(data: &[u8]) {
    if let Ok(value) = FileHeader::decode(data) {
        assert_eq!(value.encode().split_off(PREFIX), data);
    }
}

/// Those of the sample's files.
pub fn seeds() -> Vec<Vec<u8>> {
    sample_objects::headers().into_iter().map(|(_, header)| header.encode().split_off(PREFIX)).collect()
}
