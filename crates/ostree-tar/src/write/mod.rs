//! Commits written as tar streams: whole, or cut into the layers of an image.

mod checkout;
mod encode;
mod layer;
mod links;
mod measure;
mod objects;
mod plan;
mod prefetch;
mod raw;
mod skeleton;
mod tree;
mod walk;

pub use layer::{ChunkOptions, write_chunk_layer, write_commit_layer};
pub use measure::{measure_chunk_layer, measure_commit_layer, measure_raw_layer};
pub use objects::{ExportOptions, Flavour, Stats};
pub use plan::{DirAttributes, DirMap, FileMap, dirs_of, files_of};
pub use raw::{RawOptions, write_raw_layer};
pub use tree::export;

pub(crate) use encode::{Head, TarOut};
