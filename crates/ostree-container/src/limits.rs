//! Every bound this crate puts on foreign input that is not bounded by the crates below, with its reason.

/// Bytes of a deployment's origin file. Real ones hold a few lines.
pub const MAX_ORIGIN: u64 = 1024 * 1024;
/// Bytes of new detached metadata. Signatures take some KiB each; libostree refuses metadata objects beyond 128 MiB.
pub const MAX_DETACHED: u64 = 16 * 1024 * 1024;
