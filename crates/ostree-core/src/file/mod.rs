//! The file object: the header that describes a regular file or symlink, its checksum and its archive form.

mod archive;
mod hasher;
mod header;

pub use archive::{ArchiveHeader, read_archive_header, write_archive_header};
pub use hasher::FileHasher;
pub use header::FileHeader;
