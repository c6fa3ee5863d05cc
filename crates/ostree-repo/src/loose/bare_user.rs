//! File objects of mode `bare-user`: files of the repository's owner, whose real metadata stands in `user.ostreemeta`.
//! A symlink is a regular file that holds the target and one NUL.

use std::io::Read;
use std::os::fd::AsFd;

use ostree_core::dirmeta::decode_ostreemeta;
use ostree_core::mode::is_symlink;
use ostree_core::{FileHeader, FileObject};
use rustix::io::Errno;

use crate::error::RepoError;
use crate::fs::{Dir, xattr};
use crate::limits::MAX_SYMLINK_TARGET;

/// Opens the file at `path`.
pub fn read(objects: &Dir, path: &str) -> Result<Option<FileObject>, RepoError> {
    let fail = |action, e| objects.fail(action, path, e);
    let Some(mut file) = objects.open_file(path).map_err(|e| fail("opening", e))? else { return Ok(None) };
    let meta = xattr::get_fd(file.as_fd(), xattr::OSTREEMETA)
        .and_then(|value| value.ok_or(Errno::NODATA))
        .map_err(|e| fail("reading xattr user.ostreemeta of", e))?;
    let (owner, mode, xattrs) = decode_ostreemeta(&meta)
        .map_err(|e| RepoError::from(e).context(format!("object file {}", objects.path().join(path).display())))?;
    if is_symlink(mode) {
        let mut target = Vec::new();
        (&mut file)
            .take(MAX_SYMLINK_TARGET as u64 + 1)
            .read_to_end(&mut target)
            .map_err(|e| RepoError::io("reading", objects.path().join(path), e))?;
        let target = target.split(|&b| b == 0).next().unwrap_or_default().to_vec();
        let target = String::from_utf8(target).map_err(|_| fail("reading link", Errno::ILSEQ))?;
        return Ok(Some(FileObject { header: FileHeader::symlink(owner, target, xattrs), size: 0, content: None }));
    }
    let header = FileHeader { owner, mode, symlink_target: String::new(), xattrs };
    header.validate()?;
    let stat = rustix::fs::fstat(&file).map_err(|e| fail("querying", e))?;
    let size = u64::try_from(stat.st_size).unwrap_or_default();
    Ok(Some(FileObject { header, size, content: Some(Box::new(file)) }))
}
