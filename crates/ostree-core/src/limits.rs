//! The limits on foreign input, each with its reason.

/// The largest metadata object that is read, in bytes. libostree's `OSTREE_MAX_METADATA_SIZE`: nothing larger can be
/// fetched by it either.
pub const MAX_METADATA_SIZE: u64 = 128 * 1024 * 1024;

/// How deeply GVariant containers may nest. GLib's own limit for untrusted input.
pub const MAX_GVARIANT_DEPTH: usize = 128;

/// The longest file name in a tree, in bytes: what Linux file systems can hold (`NAME_MAX`).
pub const MAX_NAME_LEN: usize = 255;

/// How deeply directories may nest in a tree. A path of one-letter names this deep is as long as `PATH_MAX`, so nothing
/// could check out more; the bound keeps a hostile tree from exhausting the stack.
pub const MAX_TREE_DEPTH: usize = 2048;
