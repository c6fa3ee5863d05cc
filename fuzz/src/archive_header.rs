//! The headers of archive repositories' file objects, length prefix included.

use ostree_core::file::{read_archive_header, write_archive_header};

use crate::sample_objects;

/// What is accepted is written again as the same bytes, but for the four bytes behind the length, which nobody reads.
pub fn run(data: &[u8]) {
    let mut rest = data;
    let Ok(read) = read_archive_header(&mut rest) else { return };
    let mut taken = data[..data.len() - rest.len()].to_vec();
    taken[4..8].fill(0);
    assert_eq!(write_archive_header(read.size, &read.header), taken);
}

/// Those of the sample's files, with a byte of content behind.
pub fn seeds() -> Vec<Vec<u8>> {
    let with_content = |(size, header)| [write_archive_header(size, &header), vec![3]].concat();
    sample_objects::headers().into_iter().map(with_content).collect()
}
