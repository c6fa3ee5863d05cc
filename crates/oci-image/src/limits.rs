//! Every bound this crate puts on foreign input, with its reason.

/// Bytes of a manifest or index. Registries refuse more than 4 MiB.
pub const MAX_MANIFEST: u64 = 4 * 1024 * 1024;

/// Bytes of an image configuration. Real ones hold a few hundred KiB of history and labels at most; commits that carry
/// a package list as a label reach some MiB.
pub const MAX_CONFIG: u64 = 16 * 1024 * 1024;

/// Layers of one image. Container engines stop near 500 (each is a mount option); more is a mistake or an attack.
pub const MAX_LAYERS: usize = 4096;

/// Entries of an index. Real ones hold tens; the bound keeps error messages that list them short.
pub const MAX_INDEX_ENTRIES: usize = 4096;

/// Entries of an image archive. One layer is at most three entries (directory, version file, content).
pub const MAX_ARCHIVE_ENTRIES: usize = 65_536;

/// Links followed from one archive entry to the content it stands for. Docker writes one.
pub const MAX_ARCHIVE_LINKS: usize = 16;

/// Base-2 logarithm of the largest zstd window that is accepted: 128 MiB, the most that `zstd` itself takes unasked.
pub const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// Uncompressed bytes of one layer unless the caller sets another bound: 1 TiB. Layers are streamed, so this protects
/// time and disk, not memory.
pub const MAX_LAYER: u64 = 1 << 40;

/// How often a blob is written again after the place it goes to lost what it had of it. Each time the sink has already waited
/// for the place to come back.
pub const LOST_WRITES: usize = 4;
