//! Whether a file that is there already is what a checkout would have made.

use std::io::Read;
use std::os::fd::AsFd;

use ostree_core::{FileHasher, FileHeader, FileId, Owner, ReadObject, StoreError, mode};
use rustix::fs::{AtFlags, Stat};

use crate::checkout::job::Job;
use crate::checkout::owner;
use crate::checkout::place::Place;
use crate::error::RepoError;
use crate::fs::xattr;
use crate::limits::COPY_BUFFER;

/// Whether the object's own file, at `path` under `objects` of some repository, is the same file.
pub fn same_inode(objects: &crate::fs::Dir, path: &str, existing: &Stat) -> bool {
    rustix::fs::statat(objects, path, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (existing.st_dev, existing.st_ino))
}

/// Whether what is at `place` has the type, content and, except in a user checkout, owner and xattrs of the object.
pub fn same_content(job: &Job<'_>, place: &Place<'_>, id: &FileId, existing: &Stat) -> Result<bool, RepoError> {
    let object = job.repo.read_file(id)?.ok_or(StoreError::Missing { name: id.object() })?;
    let header = object.header;
    if existing.st_mode & mode::TYPE_MASK != header.mode & mode::TYPE_MASK {
        return Ok(false);
    }
    if !header.is_symlink() && u64::try_from(existing.st_size).ok() != Some(object.size) {
        return Ok(false);
    }
    let owner = Owner { uid: existing.st_uid, gid: existing.st_gid };
    if !job.options.user_mode && owner != header.owner {
        return Ok(false);
    }
    match header.is_symlink() {
        true => same_symlink(job, place, &header),
        false => same_regular(job, place, &header, id),
    }
}

fn same_symlink(job: &Job<'_>, place: &Place<'_>, header: &FileHeader) -> Result<bool, RepoError> {
    let target =
        rustix::fs::readlinkat(place.dir, place.name, Vec::new()).map_err(|e| place.fail("reading link", e))?;
    if target.as_bytes() != header.symlink_target.as_bytes() {
        return Ok(false);
    }
    if job.options.user_mode || job.repo.config().disable_xattrs {
        return Ok(true);
    }
    let xattrs =
        xattr::read_path(&place.dir.path_through(place.name)).map_err(|e| place.fail("reading xattrs of", e))?;
    Ok(xattrs == header.xattrs)
}

fn same_regular(job: &Job<'_>, place: &Place<'_>, header: &FileHeader, id: &FileId) -> Result<bool, RepoError> {
    let opened = place.dir.open_file(place.name).map_err(|e| place.fail("opening", e))?;
    let Some(mut file) = opened else { return Ok(false) };
    let stat = rustix::fs::fstat(&file).map_err(|e| place.fail("querying", e))?;
    let permissions = stat.st_mode & mode::PERMISSION_MASK;
    let same_mode = match job.options.user_mode {
        // Files linked from a user-mode repository have lost the other bits, copied ones have not.
        true => (permissions & 0o775) == (owner::file_mode(header.mode, true) & 0o775),
        false => permissions == owner::file_mode(header.mode, false),
    };
    if !same_mode {
        return Ok(false);
    }
    if !job.options.user_mode && !job.repo.config().disable_xattrs {
        let xattrs = xattr::read_fd(file.as_fd()).map_err(|e| place.fail("reading xattrs of", e))?;
        if xattrs != header.xattrs {
            return Ok(false);
        }
    }
    let mut hasher = FileHasher::new(header);
    let mut buffer = vec![0; COPY_BUFFER];
    loop {
        let read =
            file.read(&mut buffer).map_err(|e| RepoError::io("reading", place.dir.path().join(place.name), e))?;
        match buffer.get(..read).unwrap_or_default() {
            [] => return Ok(hasher.finish() == *id),
            piece => hasher.update(piece),
        }
    }
}
