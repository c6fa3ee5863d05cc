//! Layers: tar streams that are compressed on the way out and decompressed on the way in.

mod gzip_members;
pub mod parallel;
pub mod read;
pub mod write;

pub use parallel::Workers;
pub use read::{LayerContent, LayerReader, VerifiedLayer, open_layer};
pub use write::{Compression, LayerWriter, WrittenLayer};
