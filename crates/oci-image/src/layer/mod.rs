//! Layers: tar streams that are compressed on the way out and decompressed on the way in.

mod gzip_members;
pub mod parallel;
pub mod read;
pub mod write;

pub use read::LayerReader;
pub use write::{Compression, LayerWriter};

use crate::digest::Digest;

/// What is known of a layer's uncompressed tar once all of it went by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerContent {
    /// The SHA-256 digest of the uncompressed stream, as in an image configuration's `rootfs.diff_ids`.
    pub diff_id: Digest,
    /// The length of the uncompressed stream in bytes.
    pub uncompressed: u64,
}
