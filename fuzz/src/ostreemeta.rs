//! The value of the `user.ostreemeta` xattr.

use ostree_core::dirmeta::{decode_ostreemeta, encode_attributes};

use crate::sample_objects;

/// What is accepted gives, written again, bytes that mean the same and are canonical: old writers left the xattrs unsorted,
/// so the first bytes may be others.
pub fn run(data: &[u8]) {
    let Ok(read) = decode_ostreemeta(data) else { return };
    let canonical = encode_attributes(read.0, read.1, &read.2);
    let again = decode_ostreemeta(&canonical).expect("what was written is readable");
    assert_eq!(again, read);
    assert_eq!(encode_attributes(again.0, again.1, &again.2), canonical);
}

/// Those of the sample's files.
pub fn seeds() -> Vec<Vec<u8>> {
    let encode =
        |(_, header): (u64, ostree_core::FileHeader)| encode_attributes(header.owner, header.mode, &header.xattrs);
    sample_objects::headers().into_iter().map(encode).collect()
}
