//! File objects of mode `bare`: real files with real owner, mode and xattrs.

use std::os::fd::AsFd;

use ostree_core::{FileHeader, FileObject, Owner, Xattrs};
use rustix::fs::Stat;
use rustix::io::Errno;

use crate::error::RepoError;
use crate::fs::{Dir, xattr};

/// Opens the file at `path`. Its header is what the file system says; xattrs are left out unless `with_xattrs`.
pub fn read(objects: &Dir, path: &str, with_xattrs: bool) -> Result<Option<FileObject>, RepoError> {
    let fail = |action, e| objects.fail(action, path, e);
    match objects.open_file(path) {
        Ok(None) => Ok(None),
        Ok(Some(file)) => {
            let stat = rustix::fs::fstat(&file).map_err(|e| fail("querying", e))?;
            let xattrs = match with_xattrs {
                true => xattr::read_fd(file.as_fd()).map_err(|e| fail("reading xattrs of", e))?,
                false => Xattrs::default(),
            };
            let header = FileHeader { owner: owner(&stat), mode: stat.st_mode, symlink_target: String::new(), xattrs };
            let size = u64::try_from(stat.st_size).unwrap_or_default();
            Ok(Some(FileObject { header, size, content: Some(Box::new(file)) }))
        }
        Err(Errno::LOOP) => {
            let stat = rustix::fs::statat(objects, path, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|e| fail("querying", e))?;
            let target = read_target(objects, path)?;
            let xattrs = match with_xattrs {
                true => xattr::read_path(&objects.path().join(path)).map_err(|e| fail("reading xattrs of", e))?,
                false => Xattrs::default(),
            };
            Ok(Some(FileObject { header: FileHeader::symlink(owner(&stat), target, xattrs), size: 0, content: None }))
        }
        Err(e) => Err(fail("opening", e)),
    }
}

/// The owner a file has in the file system.
pub fn owner(stat: &Stat) -> Owner {
    Owner { uid: stat.st_uid, gid: stat.st_gid }
}

/// The target of a symlink, which must be UTF-8 to be an object.
pub fn read_target(objects: &Dir, path: &str) -> Result<String, RepoError> {
    let target =
        rustix::fs::readlinkat(objects, path, Vec::new()).map_err(|e| objects.fail("reading link", path, e))?;
    target.into_string().map_err(|_| objects.fail("reading link", path, Errno::ILSEQ))
}
