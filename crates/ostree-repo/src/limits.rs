//! The limits of this crate, each with its reason.

/// The largest `config` file that is read, in bytes. Real ones have a few hundred; a remote takes about as many.
pub const MAX_CONFIG_SIZE: u64 = 4 * 1024 * 1024;

/// The largest ref file that is read, in bytes: 64 characters, a newline, and room for white space.
pub const MAX_REF_SIZE: u64 = 256;

/// The buffer each thread copies file content through, in bytes. Larger ones gain nothing in throughput.
pub const COPY_BUFFER: usize = 128 * 1024;

/// The longest symlink target in bytes (`PATH_MAX`).
pub const MAX_SYMLINK_TARGET: usize = 4096;

/// The largest object, in bytes, that a thread compresses in one piece: four fifths of the bytes of a system are in smaller
/// ones. A thread holds it twice, as it is and compressed.
pub const MAX_WHOLE: u64 = 4 * 1024 * 1024;

/// The largest summary that is read, in bytes: what libostree reads of one.
pub const MAX_SUMMARY_SIZE: u64 = ostree_core::limits::MAX_METADATA_SIZE;
