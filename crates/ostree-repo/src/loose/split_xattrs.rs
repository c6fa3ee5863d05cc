//! File objects of mode `bare-split-xattrs`: real files, with the xattrs in an object beside each.

use std::io::Read;

use ostree_core::limits::MAX_METADATA_SIZE;
use ostree_core::{FileHeader, FileId, FileObject, ObjectKind, ObjectName, Xattrs};

use crate::error::RepoError;
use crate::fs::Dir;
use crate::layout::loose_path;
use crate::loose::bare;
use crate::mode::RepoMode;

/// Opens the file at `path`, the object `id`.
pub fn read(objects: &Dir, path: &str, id: &FileId) -> Result<Option<FileObject>, RepoError> {
    let Some(file) = bare::read(objects, path, false)? else { return Ok(None) };
    let link = loose_path(&ObjectName::new(ObjectKind::FileXattrsLink, *id.checksum()), RepoMode::BareSplitXattrs);
    let opened = objects.open_file(&link).and_then(|found| found.ok_or(rustix::io::Errno::NOENT));
    let mut bytes = Vec::new();
    opened
        .map_err(|e| objects.fail("opening", &link, e))?
        .take(MAX_METADATA_SIZE)
        .read_to_end(&mut bytes)
        .map_err(|e| RepoError::io("reading", objects.path().join(&link), e))?;
    let xattrs = Xattrs::decode(&bytes)
        .map_err(|e| RepoError::from(e).context(format!("object file {}", objects.path().join(&link).display())))?;
    Ok(Some(FileObject { header: FileHeader { xattrs, ..file.header }, ..file }))
}
