//! File objects of mode `bare-user-only`: plain files and symlinks; the owner is always root and there are no xattrs.

use ostree_core::{FileHeader, FileObject, Owner, Xattrs};

use crate::error::RepoError;
use crate::fs::Dir;
use crate::loose::bare;

/// Opens the file at `path`.
pub fn read(objects: &Dir, path: &str) -> Result<Option<FileObject>, RepoError> {
    let found = bare::read(objects, path, false)?;
    Ok(found.map(|file| FileObject {
        header: FileHeader { owner: Owner::default(), xattrs: Xattrs::default(), ..file.header },
        ..file
    }))
}
