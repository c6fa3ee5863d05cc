//! Loose objects: one file each, in the form the repository's mode demands.
//!
//! Reading and writing differ by mode for file objects only; each mode has its own file here. Metadata objects are the
//! same bytes everywhere.

mod archive;
mod bare;
mod bare_user;
mod bare_user_only;
mod content;
mod deflate;
mod deflate_whole;
mod draft;
mod link;
mod split_xattrs;
mod target;
mod unnamed;
mod write;

pub use link::{LinkOutcome, link};
pub use target::Target;
pub use unnamed::LinkWay;
pub use write::{Source, copy, verify, write_file, write_metadata};

use std::io::Read;

use ostree_core::limits::MAX_METADATA_SIZE;
use ostree_core::{FileId, FileObject, ObjectName};
use rustix::io::Errno;

use crate::config::Config;
use crate::error::RepoError;
use crate::fs::Dir;
use crate::layout::loose_path;
use crate::mode::RepoMode;

/// Reads a metadata object from `objects`, a directory laid out as a repository's; `None` if it is not there.
pub fn read_metadata(objects: &Dir, name: &ObjectName) -> Result<Option<Vec<u8>>, RepoError> {
    // The mode matters for file objects only.
    let path = loose_path(name, RepoMode::Bare);
    let Some(file) = objects.open_file(&path).map_err(|e| objects.fail("opening", &path, e))? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    let read = (&file).take(MAX_METADATA_SIZE + 1).read_to_end(&mut bytes);
    match read {
        Ok(length) if length as u64 > MAX_METADATA_SIZE => Err(objects.fail("reading", &path, Errno::FBIG)),
        Ok(_) => Ok(Some(bytes)),
        Err(e) => Err(RepoError::io("reading", objects.path().join(&path), e)),
    }
}

/// Opens a file object in `objects`, a directory laid out as a repository's of this configuration.
pub fn read_file(objects: &Dir, config: &Config, id: &FileId) -> Result<Option<FileObject>, RepoError> {
    let path = loose_path(&id.object(), config.mode);
    match config.mode {
        RepoMode::Bare => bare::read(objects, &path, !config.disable_xattrs),
        RepoMode::BareUser => bare_user::read(objects, &path),
        RepoMode::BareUserOnly => bare_user_only::read(objects, &path),
        RepoMode::Archive => archive::read(objects, &path),
        RepoMode::BareSplitXattrs => split_xattrs::read(objects, &path, id),
    }
}
