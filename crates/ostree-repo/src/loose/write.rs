//! Writing loose objects: hashed while they are written under a temporary name, then named by their checksum.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use ostree_core::dirmeta::encode_attributes;
use ostree_core::file::write_archive_header;
use ostree_core::{Checksum, FileHasher, FileHeader, FileId, ObjectKind, ObjectName, StoreError};
use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::io::Errno;

use crate::error::RepoError;
use crate::fs::{Dir, xattr};
use crate::limits::{COPY_BUFFER, MAX_WHOLE};
use crate::loose::content::ContentLimit;
use crate::loose::deflate::Deflater;
use crate::loose::deflate_whole::Whole;
use crate::loose::draft::Draft;
use crate::loose::target::Target;
use crate::mode::RepoMode;

/// From which content size on, in bytes, the disk is asked to begin writing at once. Below, the request costs more than
/// it gains.
const EARLY_WRITE: u64 = 256 * 1024;

/// Writes a metadata object under the name it has.
pub fn write_metadata(target: &Target<'_>, name: &ObjectName, bytes: &[u8]) -> Result<(), RepoError> {
    let (draft, mut file) = Draft::file(target, name.kind)?;
    file.write_all(bytes).map_err(|e| RepoError::io("writing", draft.path(), e))?;
    set_mode(&draft, &file, 0o644)?;
    sync(target, &draft, &file)?;
    draft.publish(target, name, Some(&file)).map(|_| ())
}

fn sync(target: &Target<'_>, draft: &Draft<'_>, file: &File) -> Result<(), RepoError> {
    match target.sync_each {
        true => rustix::fs::fsync(file).map_err(|e| draft.fail("syncing", e)),
        false => Ok(()),
    }
}

/// A file object to be written: its header and exactly `size` bytes of `content`.
pub struct Source<'a> {
    /// What describes the file.
    pub header: &'a FileHeader,
    /// The length of the content in bytes; 0 for a symlink.
    pub size: u64,
    /// The content of a regular file.
    pub content: &'a mut dyn Read,
}

/// Writes a file object. With `expect`, anything else is refused before it has a name. An object for which `known`, asked
/// when the id has been computed, says yes is not kept. Gives the id, and whether the object is new.
pub fn write_file(
    target: &Target<'_>,
    source: Source<'_>,
    expect: Option<&FileId>,
    known: &dyn Fn(&ObjectName) -> Result<bool, RepoError>,
) -> Result<(FileId, bool), RepoError> {
    let (header, size) = (source.header, source.size);
    header.validate()?;
    let body = match size <= COPY_BUFFER as u64 {
        // Small content is hashed before anything is written, so that what is there already costs no writing.
        true => Body::read_small(source)?,
        false => Body::Stream(ContentLimit::new(source.content, source.size)),
    };
    let asked = match &body {
        Body::Small(_, id) => {
            check_expected(id, expect)?;
            if known(&id.object())? {
                return Ok((*id, false));
            }
            true
        }
        Body::Stream(_) => false,
    };
    let (draft, file, id) = match header.is_symlink() {
        true => write_symlink(target, header)?,
        false => write_regular(target, (header, size), body)?,
    };
    check_expected(&id, expect)?;
    if !asked && known(&id.object())? {
        return Ok((id, false));
    }
    Ok((id, draft.publish(target, &id.object(), file.as_ref())?))
}

/// An object that waits for its name, and its file unless it is a symlink itself.
type Written<'a> = (Draft<'a>, Option<File>, FileId);

/// The content of a file on its way to the disk.
enum Body<'a> {
    /// All of it, and the id it gives.
    Small(Vec<u8>, FileId),
    /// Too large to hold.
    Stream(ContentLimit<&'a mut dyn Read>),
}

impl<'a> Body<'a> {
    fn read_small(source: Source<'a>) -> Result<Self, RepoError> {
        let mut content = ContentLimit::new(source.content, source.size);
        let mut bytes = vec![0; usize::try_from(source.size).unwrap_or_default()];
        // Past the last byte, one more is asked for: there must be none.
        let read = content.read_exact(&mut bytes).and_then(|()| content.read(&mut [0]));
        read.map_err(|source| StoreError::Content { source })?;
        let mut hasher = FileHasher::new(source.header);
        hasher.update(&bytes);
        Ok(Self::Small(bytes, hasher.finish()))
    }

    /// Writes the content to `out` and gives the id of the object.
    fn copy(self, header: &FileHeader, out: &mut dyn Write, place: &Dir) -> Result<FileId, RepoError> {
        let failed = |e| RepoError::io("writing an object in", place.path(), e);
        match self {
            Self::Small(bytes, id) => out.write_all(&bytes).map(|()| id).map_err(failed),
            Self::Stream(mut content) => {
                let mut hasher = FileHasher::new(header);
                let mut buffer = vec![0; COPY_BUFFER];
                loop {
                    let read = content.read(&mut buffer).map_err(|source| StoreError::Content { source })?;
                    let piece = buffer.get(..read).unwrap_or_default();
                    if piece.is_empty() {
                        return Ok(hasher.finish());
                    }
                    hasher.update(piece);
                    out.write_all(piece).map_err(failed)?;
                }
            }
        }
    }
}

/// Refuses an id that is not the expected one.
fn check_expected(id: &FileId, expect: Option<&FileId>) -> Result<(), StoreError> {
    match expect {
        Some(expected) if expected != id => {
            let (expected, actual) = (*expected.checksum(), *id.checksum());
            Err(StoreError::ChecksumMismatch { kind: ObjectKind::File, expected, actual })
        }
        _ => Ok(()),
    }
}

/// Writes the content of a regular file of this size, then its attributes.
fn write_regular<'a>(
    target: &Target<'a>,
    (header, size): (&FileHeader, u64),
    body: Body<'_>,
) -> Result<Written<'a>, RepoError> {
    let (draft, file) = Draft::file(target, ObjectKind::File)?;
    let id = match target.config.mode {
        RepoMode::Archive => copy_compressed(target, (header, size), body, &file)?,
        _ => body.copy(header, &mut &file, target.temporary)?,
    };
    set_attributes(target, header, &id, (&draft, &file))?;
    if size >= EARLY_WRITE {
        // Lets the disk begin now, while the next objects are hashed, instead of in one long sync at the end. It is
        // advice: where it is not taken, that sync does it all.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    }
    sync(target, &draft, &file)?;
    Ok((draft, Some(file), id))
}

/// Gives a written file the owner, mode, xattrs and time that the repository's mode demands.
fn set_attributes(
    target: &Target<'_>,
    header: &FileHeader,
    id: &FileId,
    (draft, file): (&Draft<'_>, &File),
) -> Result<(), RepoError> {
    match target.config.mode {
        RepoMode::Bare => {
            set_owner(draft, file, header)?;
            set_mode(draft, file, header.mode & 0o7777)?;
            if !target.config.disable_xattrs {
                xattr::write_fd(file.as_fd(), &header.xattrs).map_err(|e| draft.fail("setting xattrs of", e))?;
            }
        }
        RepoMode::BareUser => {
            set_ostreemeta(draft, file, header)?;
            set_mode(draft, file, (header.mode & 0o775) | 0o400)?;
        }
        RepoMode::BareUserOnly => {
            check_bare_user_only(header, id)?;
            set_mode(draft, file, header.mode & 0o775)?;
        }
        RepoMode::Archive => set_mode(draft, file, 0o644)?,
        RepoMode::BareSplitXattrs => return Err(RepoError::Request("Not allowed due to repo mode".into())),
    }
    match target.config.mode.is_bare() {
        true => zero_mtime(draft, file),
        false => Ok(()),
    }
}

/// The level for objects that are too large for [`Whole`]: few files, but a quarter of the bytes.
const LARGE_LEVEL: u32 = 1;

/// Objects of fewer bytes than this are compressed as libostree does it, to the byte: there is no time to be gained.
const TINY: u64 = 1024;

/// The level of libostree.
const TINY_LEVEL: u32 = 6;

/// Where the configuration names no level, speed goes first: against libostree's level 6 an archive takes a quarter of
/// the time and a tenth more space. The compressed bytes are part of no checksum.
fn copy_compressed(
    target: &Target<'_>,
    (header, size): (&FileHeader, u64),
    body: Body<'_>,
    file: &File,
) -> Result<FileId, RepoError> {
    let failed = |e| RepoError::io("writing", target.temporary.path(), e);
    let start = write_archive_header(size, header);
    if target.config.zlib_level.is_none() && (TINY..=MAX_WHOLE).contains(&size) {
        let mut whole = Whole::new();
        let id = body.copy(header, &mut whole, target.temporary)?;
        whole.finish(file, &start).map_err(failed)?;
        return Ok(id);
    }
    let level = target.config.zlib_level.unwrap_or(if size < TINY { TINY_LEVEL } else { LARGE_LEVEL });
    let mut deflater = Deflater::new(file, level, &start).map_err(failed)?;
    let id = body.copy(header, &mut deflater, target.temporary)?;
    deflater.finish().map_err(failed)?;
    Ok(id)
}

fn write_symlink<'a>(target: &Target<'a>, header: &FileHeader) -> Result<Written<'a>, RepoError> {
    let id = FileHasher::new(header).finish();
    let link = &header.symlink_target;
    match target.config.mode {
        RepoMode::Bare => {
            let (draft, name) = Draft::symlink(target, link)?;
            let dir = target.temporary;
            let (uid, gid) = (Uid::from_raw(header.owner.uid), Gid::from_raw(header.owner.gid));
            rustix::fs::chownat(dir, &name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|e| draft.fail("setting the owner of", e))?;
            if !target.config.disable_xattrs {
                xattr::write_path(&draft.path(), &header.xattrs).map_err(|e| draft.fail("setting xattrs of", e))?;
            }
            Ok((draft, None, id))
        }
        RepoMode::BareUserOnly => {
            check_bare_user_only(header, &id)?;
            Ok((Draft::symlink(target, link)?.0, None, id))
        }
        RepoMode::BareUser => {
            let (draft, file) = write_small(target, &[link.as_bytes(), b"\0"].concat())?;
            set_ostreemeta(&draft, &file, header)?;
            zero_mtime(&draft, &file)?;
            sync(target, &draft, &file)?;
            Ok((draft, Some(file), id))
        }
        RepoMode::Archive => {
            let (draft, file) = write_small(target, &write_archive_header(0, header))?;
            sync(target, &draft, &file)?;
            Ok((draft, Some(file), id))
        }
        RepoMode::BareSplitXattrs => Err(RepoError::Request("Not allowed due to repo mode".into())),
    }
}

/// Starts the file that stands for a symlink.
fn write_small<'a>(target: &Target<'a>, bytes: &[u8]) -> Result<(Draft<'a>, File), RepoError> {
    let (draft, mut file) = Draft::file(target, ObjectKind::File)?;
    file.write_all(bytes).map_err(|e| RepoError::io("writing", draft.path(), e))?;
    set_mode(&draft, &file, 0o644)?;
    Ok((draft, file))
}

/// What `bare-user-only` cannot keep is refused: the object could never be read back under its name.
fn check_bare_user_only(header: &FileHeader, id: &FileId) -> Result<(), RepoError> {
    let bits = header.mode & 0o7777 & !0o775;
    if !header.is_symlink() && bits != 0 {
        let mode = header.mode;
        return Err(RepoError::Request(format!("Content object {id}: invalid mode 0{mode:04o} with bits 0{bits:04o}")));
    }
    if header.owner != ostree_core::Owner::default() || !header.xattrs.is_empty() {
        let reason = "has an owner other than root or xattrs, which mode bare-user-only cannot keep";
        return Err(RepoError::Request(format!("Content object {id}: {reason}")));
    }
    Ok(())
}

/// Gives the file an owner. Asking costs less than setting, and most files have the right one from the beginning.
fn set_owner(draft: &Draft<'_>, file: &File, header: &FileHeader) -> Result<(), RepoError> {
    let stat = rustix::fs::fstat(file).map_err(|e| draft.fail("querying", e))?;
    let owner = header.owner;
    if (stat.st_uid, stat.st_gid) == (owner.uid, owner.gid) {
        return Ok(());
    }
    rustix::fs::fchown(file, Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)))
        .map_err(|e| draft.fail("setting the owner of", e))
}

/// Gives the file a mode, which must not depend on the umask.
fn set_mode(draft: &Draft<'_>, file: &File, mode: u32) -> Result<(), RepoError> {
    let stat = rustix::fs::fstat(file).map_err(|e| draft.fail("querying", e))?;
    if stat.st_mode & 0o7777 == mode {
        return Ok(());
    }
    rustix::fs::fchmod(file, Mode::from_raw_mode(mode)).map_err(|e| draft.fail("setting the mode of", e))
}

/// Up to which size in bytes every file system that has xattrs takes one.
const SMALL_XATTR: usize = 1024;

fn set_ostreemeta(draft: &Draft<'_>, file: &File, header: &FileHeader) -> Result<(), RepoError> {
    const ACTION: &str = "setting xattr user.ostreemeta of";
    let value = encode_attributes(header.owner, header.mode, &header.xattrs);
    match rustix::fs::fsetxattr(file, xattr::OSTREEMETA, &value, rustix::fs::XattrFlags::empty()) {
        // Also the answer of a full disk, of which large values are no sign.
        Err(Errno::NOSPC) if value.len() < SMALL_XATTR => Err(draft.fail(ACTION, Errno::NOSPC)),
        Err(Errno::TOOBIG | Errno::RANGE | Errno::NOSPC) => Err(RepoError::Request(format!(
            "the file's owner, mode and xattrs are {} bytes, more than this file system takes as the one xattr that \
            bare-user keeps them in",
            value.len()
        ))),
        other => other.map_err(|e| draft.fail(ACTION, e)),
    }
}

fn zero_mtime(draft: &Draft<'_>, file: &File) -> Result<(), RepoError> {
    let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::fs::futimens(file, &Timestamps { last_access: omit, last_modification: zero })
        .map_err(|e| draft.fail("setting the time of", e))
}

/// Makes an object a copy of `file`, which must be in the form this repository keeps such objects in. Only for forms
/// whose attributes are always the same: those of archives.
pub fn copy(target: &Target<'_>, file: &mut File, name: &ObjectName) -> Result<(), RepoError> {
    let (draft, mut out) = Draft::file(target, name.kind)?;
    // This shares the blocks where the file system can.
    std::io::copy(file, &mut out).map_err(|e| RepoError::io("copying an object to", draft.path(), e))?;
    set_mode(&draft, &out, 0o644)?;
    sync(target, &draft, &out)?;
    draft.publish(target, name, Some(&out)).map(|_| ())
}

/// Refuses bytes whose checksum is not the expected one.
pub fn verify(kind: ObjectKind, bytes: &[u8], expect: Option<&Checksum>) -> Result<Checksum, StoreError> {
    let actual = Checksum::of(bytes);
    match expect {
        Some(expected) if *expected != actual => {
            Err(StoreError::ChecksumMismatch { kind, expected: *expected, actual })
        }
        _ => Ok(actual),
    }
}
