//! Owner, xattrs and mode of what was checked out, set in an order that never leaves a stranger's file set-uid.

use std::fs::File;
use std::os::fd::AsFd;

use ostree_core::{DirMeta, FileHeader, Owner, Xattrs, mode};
use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::io::Errno;

use crate::checkout::options::{CheckoutOptions, LinkPolicy};
use crate::error::RepoError;
use crate::fs::{Dir, xattr};

/// The permission bits a regular file gets.
pub fn file_mode(header_mode: u32, user_mode: bool) -> u32 {
    let permissions = header_mode & mode::PERMISSION_MASK;
    match user_mode {
        true => (permissions & !0o6000) | 0o400,
        false => permissions,
    }
}

/// Gives an open regular file of its writer, not readable by others yet, the attributes of `header`.
pub fn finish_file(file: &File, header: &FileHeader, user_mode: bool) -> Result<(), (&'static str, Errno)> {
    if !user_mode {
        let (uid, gid) = ids(header.owner);
        rustix::fs::fchown(file, uid, gid).map_err(|e| ("setting the owner of", e))?;
        // After the owner, because a change of owner drops file capabilities.
        xattr::write_fd(file.as_fd(), &header.xattrs).map_err(|e| ("setting xattrs of", e))?;
    }
    let permissions = Mode::from_raw_mode(file_mode(header.mode, user_mode));
    rustix::fs::fchmod(file, permissions).map_err(|e| ("setting the mode of", e))
}

/// Gives a symlink, or a device, that was made anew its owner and xattrs.
pub fn finish_node(dir: &Dir, name: &str, header: &FileHeader, user_mode: bool) -> Result<(), RepoError> {
    if user_mode {
        return Ok(());
    }
    let (uid, gid) = ids(header.owner);
    rustix::fs::chownat(dir, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|e| dir.fail("setting the owner of", name, e))?;
    write_node_xattrs(dir, name, &header.xattrs).map_err(|e| dir.fail("setting xattrs of", name, e))
}

/// Without a descriptor of its own a symlink is reached through its directory's.
fn write_node_xattrs(dir: &Dir, name: &str, xattrs: &Xattrs) -> Result<(), Errno> {
    if xattrs.is_empty() {
        return Ok(());
    }
    xattr::write_path(&dir.path_through(name), xattrs)
}

/// Sets the xattrs of a directory just made, while only its maker can enter it.
pub fn begin_dir(dir: &Dir, meta: &DirMeta, options: &CheckoutOptions) -> Result<(), RepoError> {
    match options.user_mode {
        true => Ok(()),
        false => xattr::write_fd(dir.as_fd(), &meta.xattrs).map_err(|e| dir.fail("setting xattrs of", "", e)),
    }
}

/// Opens a directory to others once everything in it is done, and fixes its time.
pub fn finish_dir(dir: &Dir, meta: &DirMeta, options: &CheckoutOptions) -> Result<(), RepoError> {
    if !options.user_mode {
        let (uid, gid) = ids(meta.owner);
        rustix::fs::fchown(dir, uid, gid).map_err(|e| dir.fail("setting the owner of", "", e))?;
    }
    let mask = if options.bareuseronly_dirs { 0o775 } else { mode::PERMISSION_MASK };
    rustix::fs::fchmod(dir, Mode::from_raw_mode(meta.mode & mask))
        .map_err(|e| dir.fail("setting the mode of", "", e))?;
    if options.link != LinkPolicy::ForceCopy {
        let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        rustix::fs::futimens(dir, &Timestamps { last_access: omit, last_modification: zero })
            .map_err(|e| dir.fail("setting the time of", "", e))?;
    }
    Ok(())
}

fn ids(owner: Owner) -> (Option<Uid>, Option<Gid>) {
    (Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)))
}
