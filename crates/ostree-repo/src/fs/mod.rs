//! The thin layer over the operating system: directories by descriptor, xattrs, durable small files.

pub mod dir;
pub mod reflink;
pub mod small_file;
pub mod xattr;

pub use dir::Dir;
