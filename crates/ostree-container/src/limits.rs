//! Every bound this crate puts on foreign input that is not bounded by the crates below, with its reason.

/// Bytes of a deployment's origin file. Real ones hold a few lines.
pub const MAX_ORIGIN: u64 = 1024 * 1024;
/// Bytes of new detached metadata. Signatures take some KiB each; libostree refuses metadata objects beyond 128 MiB.
pub const MAX_DETACHED: u64 = 16 * 1024 * 1024;

/// The largest file of an SELinux policy that is read, in bytes. Real ones have up to a megabyte.
pub const MAX_POLICY_FILE: u64 = 32 * 1024 * 1024;

/// The largest `prepare-root.conf` that is read, in bytes. Real ones have a few lines.
pub const MAX_PREPARE_ROOT: u64 = 1024 * 1024;

/// Uncompressed bytes of a layer that is compressed at every level to find the one it had. Larger ones would cost more than
/// the digest is worth.
pub const MAX_PROBED_LAYER: u64 = 64 * 1024 * 1024;

/// How often a layer is read again whose bytes came damaged: a wrong byte goes away, a damaged copy stays.
pub const DAMAGED_READS: usize = 2;
