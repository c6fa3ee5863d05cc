//! A file object out of its entry into the store.

use std::io::Read;
use std::sync::Arc;

use ostree_core::{FileId, Owner, StoreError, Xattrs, mode};

use super::state::{Halt, Reader, Stopped};
use super::writers::{FileAttributes, Object};
use crate::entry::Entry;
use crate::error::{Reason, TarError};
use crate::limits::SMALL_FILE_SIZE;

impl<R: Read> Reader<'_, '_, R> {
    /// Takes in the file of the current entry. One that the store has already is passed over unread.
    pub(super) fn import_file(&mut self, id: FileId) -> Result<(), Halt> {
        let named = self.xattrs.arrived(&id).map_err(|reason| self.refuse(reason))?;
        if self.has(&id.object())? {
            self.stats.present += 1;
            return Ok(());
        }
        let xattrs = self.xattrs.resolve(named).map_err(|reason| self.refuse(reason))?;
        let attributes = attributes(self.entry(), xattrs).map_err(|reason| self.refuse(reason))?;
        let size = self.entry().size;
        if attributes.symlink_target.is_some() {
            self.stats.symlinks += 1;
        } else {
            self.stats.files += 1;
            self.stats.content_bytes += size;
        }
        if size > SMALL_FILE_SIZE {
            return Ok(self.stream_file(&id, attributes, size)?);
        }
        let mut bytes = self.writers.buffer();
        self.entries.read_content(&mut bytes)?;
        self.push(Object::File(id, attributes), bytes)
    }

    /// Gives an object of the current entry to the writers.
    pub(super) fn push(&self, object: Object, bytes: Vec<u8>) -> Result<(), Halt> {
        if self.writers.push(object, bytes, self.origin()) { Ok(()) } else { Err(Stopped.into()) }
    }

    fn stream_file(&mut self, id: &FileId, attributes: FileAttributes, size: u64) -> Result<(), TarError> {
        let mut content = self.entries.content();
        let written = self.writers.stream(id, attributes, size, &mut content);
        // A stream that breaks off is the cause, whatever the store made of it.
        match content.into_failure() {
            Some(failure) => Err(failure),
            None => written.map_err(|source: StoreError| self.refuse(source)),
        }
    }
}

fn attributes(entry: &Entry, xattrs: Arc<Xattrs>) -> Result<FileAttributes, Reason> {
    let narrow = |what, value: u64| u32::try_from(value).map_err(|_| Reason::Owner { what, value });
    let owner = Owner { uid: narrow("uid", entry.uid)?, gid: narrow("gid", entry.gid)? };
    let permissions = entry.mode & mode::PERMISSION_MASK;
    if entry.is_regular() {
        return Ok(FileAttributes { owner, permissions, symlink_target: None, xattrs });
    }
    if !entry.kind.is_symlink() || entry.sparse {
        return Err(Reason::FileType(entry.shown_kind()));
    }
    if entry.link.is_empty() {
        return Err(Reason::NoTarget);
    }
    if entry.size > 0 {
        return Err(Reason::SymlinkContent(entry.size));
    }
    let target = std::str::from_utf8(&entry.link).map_err(|_| Reason::TargetNonUtf8)?;
    Ok(FileAttributes { owner, permissions, symlink_target: Some(target.to_owned()), xattrs })
}
