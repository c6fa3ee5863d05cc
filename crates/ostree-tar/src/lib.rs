//! Streaming tar <-> OSTree objects: the container export format.
//!
//! A commit is written as a tar stream that holds a checkout, whose files are hard links into a repository of mode
//! `bare-split-xattrs` that stands in the same stream below `sysroot/ostree/repo`. Reading takes the objects out of that
//! repository, checks each against its own name and hands it to a store; the checkout is not looked at.
//!
//! Writing: [`export`] gives one stream with everything; [`write_commit_layer`] and [`write_chunk_layer`] give the layers of
//! an image. Reading: [`import`] takes a stream with a commit, [`import_object_set`] one with file objects alone, and
//! [`check_complete`] says whether all that was read together makes a whole commit.
//!
//! Ordinary archives become trees with [`add_archive`], ordinary layers of images with [`read_layer`], and trees become such
//! layers with [`write_raw_layer`].
//!
//! The format is that of ostree-ext; see [`write::Flavour`] for its two variants.

mod archive;
pub mod detached;
pub mod entry;
pub mod error;
pub mod layer;
pub mod limits;
pub mod path;
mod pax_keys;
pub mod read;
pub mod tree;
pub mod write;

pub use detached::replace_detached;
pub use error::{Reason, TarError};
pub use layer::{LayerContents, LayerOptions, LowerLink, LowerTarget, VarPlace, read_layer};
pub use read::{ImportOptions, ImportStats, Imported, check_complete, import, import_object_set};
pub use tree::{TreeOptions, add_archive};
pub use write::{
    ChunkOptions, DirAttributes, DirMap, ExportOptions, FileMap, Flavour, RawOptions, Stats, dirs_of, export, files_of,
    measure_chunk_layer, measure_commit_layer, measure_raw_layer, write_chunk_layer, write_commit_layer,
    write_raw_layer,
};
