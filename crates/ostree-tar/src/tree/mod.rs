//! Trees made of ordinary tar archives, as `ostree commit --tree=tar=FILE` of libostree 2022.7 makes them.
//!
//! [`add_archive`] lays an archive over a tree under construction. What libostree does with an archive is done here too,
//! down to the ids of the objects, with these exceptions, where libostree writes what its own `fsck` later refuses, or
//! breaks down:
//!
//! - xattrs are sorted and each stands once; libostree takes them in the reverse order of the archive, repeated ones too.
//! - A symlink's mode is always 0777; a symlink whose target is empty or not UTF-8 is an error.
//! - A file or link in the place of the root directory is an error, as is a name of more than 255 bytes.
//! - An owner that does not fit 32 bits is an error, not cut down.
//! - A hard link to a hard link is followed to the file in the end, whatever their order.
//! - Sparse files are expanded, also those that end in a hole.

mod build;
mod decompress;
mod links;
mod name;
mod place;

pub use build::{TreeOptions, add_archive};
