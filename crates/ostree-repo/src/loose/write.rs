//! Writing loose objects: hashed while they are written under a temporary name, then named by their checksum.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ostree_core::dirmeta::encode_attributes;
use ostree_core::file::write_archive_header;
use ostree_core::{Checksum, FileHasher, FileHeader, FileId, ObjectKind, ObjectName, StoreError};
use rustix::fs::{AtFlags, Gid, Mode, RenameFlags, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::io::Errno;

use crate::config::Config;
use crate::error::RepoError;
use crate::fs::{Dir, xattr};
use crate::layout::loose_path;
use crate::limits::{COPY_BUFFER, MAX_WHOLE};
use crate::loose::content::ContentLimit;
use crate::loose::deflate::Deflater;
use crate::loose::deflate_whole::Whole;
use crate::mode::RepoMode;

/// Where objects are written.
pub struct Target<'a> {
    /// A directory laid out as `objects/`: the staging directory, or `objects/` itself.
    pub objects: &'a Dir,
    /// Where temporary names are made, on the same file system.
    pub temporary: &'a Dir,
    /// The configuration of the repository.
    pub config: &'a Config,
    /// Whether each object is synced by itself.
    pub sync_each: bool,
}

/// From which content size on, in bytes, the disk is asked to begin writing at once. Below, the request costs more than
/// it gains.
const EARLY_WRITE: u64 = 256 * 1024;

/// Distinguishes the temporary names of this process.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// A temporary name that is removed unless it is renamed.
struct Temporary<'a> {
    dir: &'a Dir,
    name: String,
    renamed: bool,
}

impl<'a> Temporary<'a> {
    fn new(dir: &'a Dir) -> Self {
        static PROCESS: LazyLock<u32> = LazyLock::new(std::process::id);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        Self { dir, name: format!("tmpobj.{}.{serial}", *PROCESS), renamed: false }
    }

    /// Gives the file its object name. If there is one already, that one stays.
    fn publish(&mut self, target: &Target<'_>, name: &ObjectName) -> Result<(), RepoError> {
        let path = loose_path(name, target.config.mode);
        // Detached metadata alone may change.
        let flags = match name.kind {
            ObjectKind::CommitMeta => RenameFlags::empty(),
            _ => RenameFlags::NOREPLACE,
        };
        let rename = || rustix::fs::renameat_with(self.dir, &self.name, target.objects, &path, flags);
        let renamed = match rename() {
            Err(Errno::NOENT) => {
                target.objects.ensure_dir(path.get(..2).unwrap_or_default(), 0o777)?;
                rename()
            }
            other => other,
        };
        match renamed {
            Ok(()) => self.renamed = true,
            Err(Errno::EXIST) => {}
            Err(e) => return Err(target.objects.fail("writing object", &path, e)),
        }
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.renamed {
            // Nothing more can be done here; the cleanup of `tmp` finds it after its time.
            let _ = self.dir.remove_file(&self.name);
        }
    }
}

/// Writes a metadata object under the name it has.
pub fn write_metadata(target: &Target<'_>, name: &ObjectName, bytes: &[u8]) -> Result<(), RepoError> {
    let mut temporary = Temporary::new(target.temporary);
    let mut file = temporary.dir.create_file(&temporary.name, 0o644)?;
    let path = |name: &str| target.temporary.path().join(name);
    file.write_all(bytes).map_err(|e| RepoError::io("writing", path(&temporary.name), e))?;
    // The mode must not depend on the umask.
    rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644))
        .map_err(|e| target.temporary.fail("setting the mode of", &temporary.name, e))?;
    sync(target, &file, &temporary)?;
    temporary.publish(target, name)
}

fn sync(target: &Target<'_>, file: &File, temporary: &Temporary<'_>) -> Result<(), RepoError> {
    match target.sync_each {
        true => rustix::fs::fsync(file).map_err(|e| target.temporary.fail("syncing", &temporary.name, e)),
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
    let mut temporary = Temporary::new(target.temporary);
    let id = match header.is_symlink() {
        true => write_symlink(target, header, &mut temporary)?,
        false => write_regular(target, (header, size), body, &temporary)?,
    };
    check_expected(&id, expect)?;
    if !asked && known(&id.object())? {
        return Ok((id, false));
    }
    temporary.publish(target, &id.object())?;
    Ok((id, temporary.renamed))
}

/// The content of a file on its way to the disk.
enum Body<'a> {
    /// All of it, and the id it gives.
    Small(Vec<u8>, FileId),
    /// Too large to hold.
    Stream(ContentLimit<&'a mut dyn Read>),
}

impl<'a> Body<'a> {
    fn read_small(source: Source<'a>) -> Result<Self, RepoError> {
        let mut bytes = Vec::with_capacity(usize::try_from(source.size).unwrap_or_default());
        let read = ContentLimit::new(source.content, source.size).read_to_end(&mut bytes);
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
fn write_regular(
    target: &Target<'_>,
    (header, size): (&FileHeader, u64),
    body: Body<'_>,
    temporary: &Temporary<'_>,
) -> Result<FileId, RepoError> {
    let file = temporary.dir.create_file(&temporary.name, 0o644)?;
    let id = match target.config.mode {
        RepoMode::Archive => copy_compressed(target, (header, size), body, &file)?,
        _ => body.copy(header, &mut &file, target.temporary)?,
    };
    set_attributes(target, header, &id, (&file, temporary))?;
    if size >= EARLY_WRITE {
        // Lets the disk begin now, while the next objects are hashed, instead of in one long sync at the end. It is
        // advice: where it is not taken, that sync does it all.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    }
    sync(target, &file, temporary)?;
    Ok(id)
}

/// Gives a written file the owner, mode, xattrs and time that the repository's mode demands.
fn set_attributes(
    target: &Target<'_>,
    header: &FileHeader,
    id: &FileId,
    (file, temporary): (&File, &Temporary<'_>),
) -> Result<(), RepoError> {
    let fail = |action, e| target.temporary.fail(action, &temporary.name, e);
    match target.config.mode {
        RepoMode::Bare => {
            set_owner(file, header).map_err(|e| fail("setting the owner of", e))?;
            chmod(file, header.mode & 0o7777).map_err(|e| fail("setting the mode of", e))?;
            if !target.config.disable_xattrs {
                xattr::write_fd(file.as_fd(), &header.xattrs).map_err(|e| fail("setting xattrs of", e))?;
            }
        }
        RepoMode::BareUser => {
            set_ostreemeta(file, header).map_err(|e| fail("setting xattr user.ostreemeta of", e))?;
            chmod(file, (header.mode & 0o775) | 0o400).map_err(|e| fail("setting the mode of", e))?;
        }
        RepoMode::BareUserOnly => {
            check_bare_user_only(header, id)?;
            chmod(file, header.mode & 0o775).map_err(|e| fail("setting the mode of", e))?;
        }
        RepoMode::Archive => chmod(file, 0o644).map_err(|e| fail("setting the mode of", e))?,
        RepoMode::BareSplitXattrs => return Err(RepoError::Request("Not allowed due to repo mode".into())),
    }
    match target.config.mode.is_bare() {
        true => zero_mtime(file).map_err(|e| fail("setting the time of", e)),
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

fn write_symlink(target: &Target<'_>, header: &FileHeader, temporary: &mut Temporary<'_>) -> Result<FileId, RepoError> {
    let id = FileHasher::new(header).finish();
    let dir = temporary.dir;
    let name = &temporary.name;
    let link = &header.symlink_target;
    match target.config.mode {
        RepoMode::Bare => {
            rustix::fs::symlinkat(link.as_str(), dir, name).map_err(|e| dir.fail("creating symlink", name, e))?;
            let (uid, gid) = (Uid::from_raw(header.owner.uid), Gid::from_raw(header.owner.gid));
            rustix::fs::chownat(dir, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|e| dir.fail("setting the owner of", name, e))?;
            if !target.config.disable_xattrs {
                xattr::write_path(&dir.path().join(name), &header.xattrs)
                    .map_err(|e| dir.fail("setting xattrs of", name, e))?;
            }
        }
        RepoMode::BareUser => {
            let mut file = dir.create_file(name, 0o644)?;
            let failed = |e| RepoError::io("writing", dir.path().join(name), e);
            file.write_all(link.as_bytes()).and_then(|()| file.write_all(b"\0")).map_err(failed)?;
            set_ostreemeta(&file, header).map_err(|e| dir.fail("setting xattr user.ostreemeta of", name, e))?;
            chmod(&file, 0o644).map_err(|e| dir.fail("setting the mode of", name, e))?;
            zero_mtime(&file).map_err(|e| dir.fail("setting the time of", name, e))?;
            sync(target, &file, temporary)?;
        }
        RepoMode::BareUserOnly => {
            check_bare_user_only(header, &id)?;
            rustix::fs::symlinkat(link.as_str(), dir, name).map_err(|e| dir.fail("creating symlink", name, e))?;
        }
        RepoMode::Archive => {
            let mut file = dir.create_file(name, 0o644)?;
            file.write_all(&write_archive_header(0, header))
                .map_err(|e| RepoError::io("writing", dir.path().join(name), e))?;
            chmod(&file, 0o644).map_err(|e| dir.fail("setting the mode of", name, e))?;
            sync(target, &file, temporary)?;
        }
        RepoMode::BareSplitXattrs => return Err(RepoError::Request("Not allowed due to repo mode".into())),
    }
    Ok(id)
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

fn set_owner(file: &File, header: &FileHeader) -> Result<(), Errno> {
    let (uid, gid) = (Uid::from_raw(header.owner.uid), Gid::from_raw(header.owner.gid));
    rustix::fs::fchown(file, Some(uid), Some(gid))
}

fn chmod(file: &File, mode: u32) -> Result<(), Errno> {
    rustix::fs::fchmod(file, Mode::from_raw_mode(mode))
}

fn set_ostreemeta(file: &File, header: &FileHeader) -> Result<(), Errno> {
    let value = encode_attributes(header.owner, header.mode, &header.xattrs);
    rustix::fs::fsetxattr(file, xattr::OSTREEMETA, &value, rustix::fs::XattrFlags::empty())
}

fn zero_mtime(file: &File) -> Result<(), Errno> {
    let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::fs::futimens(file, &Timestamps { last_access: omit, last_modification: zero })
}

/// Makes an object a copy of `file`, which must be in the form this repository keeps such objects in. Only for forms
/// whose attributes are always the same: those of archives.
pub fn copy(target: &Target<'_>, file: &mut File, name: &ObjectName) -> Result<(), RepoError> {
    let mut temporary = Temporary::new(target.temporary);
    let mut out = temporary.dir.create_file(&temporary.name, 0o644)?;
    // This shares the blocks where the file system can.
    std::io::copy(file, &mut out)
        .map_err(|e| RepoError::io("copying an object to", target.temporary.path().join(&temporary.name), e))?;
    chmod(&out, 0o644).map_err(|e| target.temporary.fail("setting the mode of", &temporary.name, e))?;
    sync(target, &out, &temporary)?;
    temporary.publish(target, name)
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
