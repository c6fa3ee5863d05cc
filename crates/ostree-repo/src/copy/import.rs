//! Bringing one object from one repository into another: by a hard link where that is possible, else by writing it anew.

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};

use ostree_core::{
    Checksum, FileHasher, FileId, FileObject, ObjectKind, ObjectName, Owner, ReadObject, StoreError, WriteObject, mode,
};
use rustix::fs::{AtFlags, Stat};

use crate::copy::options::{CopyOptions, CopyStats};
use crate::error::RepoError;
use crate::limits::COPY_BUFFER;
use crate::loose::LinkOutcome;
use crate::mode::RepoMode;
use crate::repo::Repo;
use crate::transaction::Transaction;

/// The two sides of a copy.
pub struct Import<'a> {
    src: &'a Repo,
    to: &'a Transaction<'a>,
    untrusted: bool,
    check_modes: bool,
    /// Whether both object directories are on one file system and belong to one user.
    linkable: bool,
    metadata: AtomicU64,
    /// Files that were linked or copied as they are.
    content: AtomicU64,
}

impl<'a> Import<'a> {
    /// Copies from `src` through the transaction `to`.
    pub fn new(src: &'a Repo, to: &'a Transaction<'a>, options: &CopyOptions<'_>) -> Result<Self, RepoError> {
        let (a, b) = (stat(src)?, stat(to.repo())?);
        Ok(Self {
            src,
            to,
            untrusted: options.untrusted,
            check_modes: options.bareuseronly_files,
            linkable: a.st_dev == b.st_dev && a.st_uid == b.st_uid,
            metadata: AtomicU64::new(0),
            content: AtomicU64::new(0),
        })
    }

    /// What was done so far.
    pub fn stats(&self) -> CopyStats {
        let written = self.to.stats();
        CopyStats {
            metadata: self.metadata.load(Ordering::Relaxed),
            content: self.content.load(Ordering::Relaxed) + written.content_written,
            content_bytes_written: written.content_bytes_written,
        }
    }

    /// Copies a metadata object whose bytes are at hand and were verified.
    pub fn metadata_bytes(&self, name: &ObjectName, bytes: &[u8]) -> Result<(), RepoError> {
        if self.to.has_own(name)? {
            return Ok(());
        }
        if !self.link(name)? {
            self.to.write_metadata(name.kind, bytes, Some(&name.checksum))?;
        }
        self.metadata.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Copies a metadata object.
    pub fn metadata(&self, name: &ObjectName) -> Result<(), RepoError> {
        if self.to.has_own(name)? {
            return Ok(());
        }
        if self.untrusted || !self.link(name)? {
            let bytes = self.read_verified(name)?;
            if !self.untrusted || !self.link(name)? {
                self.to.write_metadata(name.kind, &bytes, Some(&name.checksum))?;
            }
        }
        self.metadata.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Reads a metadata object of the source and verifies it.
    pub fn read_verified(&self, name: &ObjectName) -> Result<Vec<u8>, RepoError> {
        let bytes = self.src.read_metadata(name)?.ok_or(StoreError::Missing { name: *name })?;
        let actual = Checksum::of(&bytes);
        if actual != name.checksum {
            let (kind, expected) = (name.kind, name.checksum);
            return Err(StoreError::ChecksumMismatch { kind, expected, actual }.into());
        }
        Ok(bytes)
    }

    /// Whether file objects look the same on both sides, so that their files can be taken over as they are.
    pub fn same_form(&self) -> bool {
        self.src.mode() == self.to.repo().mode()
            && self.src.mode() != RepoMode::BareSplitXattrs
            && self.src.config().disable_xattrs == self.to.repo().config().disable_xattrs
    }

    /// Copies a file object.
    pub fn file(&self, id: &FileId) -> Result<(), RepoError> {
        if self.check_modes {
            check_mode(id, &self.open(id)?)?;
        }
        if self.same_form() || self.fits_user_only(id)? {
            let name = id.object();
            if self.to.has_own(&name)? {
                return Ok(());
            }
            if self.untrusted {
                verify(id, self.open(id)?).map_err(|e| e.context(format!("fsck content object {id}")))?;
            }
            if self.link(&name)? || self.copy_compressed(&name)? {
                self.content.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
        }
        // This counts by itself, and does not read what is there already.
        let FileObject { header, size, content } = self.open(id)?;
        match content {
            Some(mut content) => self.to.write_file(&header, size, &mut content, Some(id))?,
            None => self.to.write_file(&header, 0, &mut std::io::empty(), Some(id))?,
        };
        Ok(())
    }

    /// Whether the source's file, of mode `bare-user`, is already what `bare-user-only` makes of the object: everything in
    /// its header that is not as it must be there stands in an xattr only.
    fn fits_user_only(&self, id: &FileId) -> Result<bool, RepoError> {
        if (self.src.mode(), self.to.repo().mode()) != (RepoMode::BareUser, RepoMode::BareUserOnly) || !self.linkable {
            return Ok(false);
        }
        let (objects, path) = (self.src.objects(), self.src.loose_path(&id.object()));
        let Ok(stat) = rustix::fs::statat(objects, &path, AtFlags::SYMLINK_NOFOLLOW) else { return Ok(false) };
        let header = self.open(id)?.header;
        Ok(mode::is_regular(header.mode)
            && stat.st_mode == header.mode
            && header.mode & mode::PERMISSION_MASK & !0o775 == 0
            && header.owner == Owner::default()
            && header.xattrs.is_empty())
    }

    fn open(&self, id: &FileId) -> Result<FileObject, RepoError> {
        Ok(self.src.read_file(id)?.ok_or(StoreError::Missing { name: id.object() })?)
    }

    /// Links the source's file; `false` if it must be copied. An object of the source's parent repository is copied.
    fn link(&self, name: &ObjectName) -> Result<bool, RepoError> {
        if !self.linkable {
            return Ok(false);
        }
        Ok(match self.to.link_object(self.src.objects(), &self.src.loose_path(name), name)? {
            LinkOutcome::Linked | LinkOutcome::Exists => true,
            LinkOutcome::Impossible => false,
        })
    }

    /// Between archives the compressed file is copied as it is; anything else is written anew.
    fn copy_compressed(&self, name: &ObjectName) -> Result<bool, RepoError> {
        if self.src.mode() != RepoMode::Archive {
            return Ok(false);
        }
        let (objects, path) = (self.src.objects(), self.src.loose_path(name));
        match objects.open_file(&path).map_err(|e| objects.fail("opening", &path, e))? {
            Some(mut file) => self.to.copy_object(&mut file, name).map(|()| true),
            None => Ok(false),
        }
    }
}

fn stat(repo: &Repo) -> Result<Stat, RepoError> {
    rustix::fs::fstat(repo.objects()).map_err(|e| repo.objects().fail("querying", "", e))
}

fn check_mode(id: &FileId, object: &FileObject) -> Result<(), RepoError> {
    let mode = object.header.mode;
    let bits = mode & 0o7777 & !0o775;
    if object.header.is_symlink() || bits == 0 {
        return Ok(());
    }
    Err(RepoError::Request(format!("Content object {id}: invalid mode 0{mode:04o} with bits 0{bits:04o}")))
}

fn verify(id: &FileId, object: FileObject) -> Result<(), RepoError> {
    let mut hasher = FileHasher::new(&object.header);
    if let Some(mut content) = object.content {
        let mut buffer = vec![0; COPY_BUFFER.min(usize::try_from(object.size).unwrap_or(COPY_BUFFER).max(1))];
        loop {
            let read = content.read(&mut buffer).map_err(|source| StoreError::Content { source })?;
            if read == 0 {
                break;
            }
            hasher.update(buffer.get(..read).unwrap_or_default());
        }
    }
    let actual = hasher.finish();
    if actual == *id {
        return Ok(());
    }
    let (expected, actual) = (*id.checksum(), *actual.checksum());
    Err(StoreError::ChecksumMismatch { kind: ObjectKind::File, expected, actual }.into())
}
