//! What is common to reading a commit and reading file objects alone.

use std::io::Read;

use ostree_core::{FileId, ObjectName, WriteObject};

use super::writers::{Origin, Writers};
use super::xattrs::XattrCache;
use crate::entry::{Entries, Entry};
use crate::error::{Reason, TarError};
use crate::limits::{MAX_METADATA_SIZE, MAX_XATTRS_SIZE};
use crate::path::{Place, place, xattrs_target};

/// What came in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportStats {
    /// Commits, detached metadata, dirtrees and dirmetas.
    pub metadata_objects: u64,
    /// Regular files.
    pub files: u64,
    /// Symlinks.
    pub symlinks: u64,
    /// Objects of all kinds that the store had before, not counted above.
    pub present: u64,
    /// The content of the files that were written, in bytes.
    pub content_bytes: u64,
    /// The length of the uncompressed stream up to its end mark, in bytes.
    pub stream_bytes: u64,
}

/// Marks that the writers have failed and hold the reason.
pub(super) struct Stopped;

/// Why reading ends early.
pub(super) enum Halt {
    /// With an error of its own.
    Failed(Box<TarError>),
    /// Because the writers failed.
    Stopped,
}

impl From<TarError> for Halt {
    fn from(error: TarError) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl From<Stopped> for Halt {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// A stream being read into a store.
pub(super) struct Reader<'a, 's, R> {
    pub(super) entries: Entries<R>,
    pub(super) store: &'s dyn WriteObject,
    pub(super) writers: &'a Writers<'s>,
    pub(super) xattrs: XattrCache,
    pub(super) stats: ImportStats,
    scratch: Vec<u8>,
    only_objects: bool,
}

impl<'a, 's, R: Read> Reader<'a, 's, R> {
    pub(super) fn new(entries: Entries<R>, store: &'s dyn WriteObject, writers: &'a Writers<'s>) -> Self {
        let (xattrs, stats) = (XattrCache::default(), ImportStats::default());
        Self { entries, store, writers, xattrs, stats, scratch: Vec::new(), only_objects: false }
    }

    /// Refuses what would be lost: content that is neither an object nor a link to one.
    pub(super) fn only_objects(mut self) -> Self {
        self.only_objects = true;
        self
    }

    /// The next entry that is part of the objects; `None` at the end of the archive.
    pub(super) fn next_place(&mut self) -> Result<Option<Place>, TarError> {
        loop {
            let Some(entry) = self.entries.next_entry()? else {
                self.stats.stream_bytes = self.entries.offset();
                return Ok(None);
            };
            if entry.kind.is_dir() {
                continue;
            }
            match place(&entry.path) {
                Ok(Place::Elsewhere) if self.only_objects && is_foreign(entry) => {
                    return Err(self.refuse(Reason::NotOfObjects));
                }
                Ok(Place::Elsewhere) => {}
                Ok(place) => return Ok(Some(place)),
                Err(reason) => return Err(self.refuse(reason)),
            }
        }
    }

    /// The current entry.
    pub(super) fn entry(&self) -> &Entry {
        self.entries.entry()
    }

    /// Where the current entry stands.
    pub(super) fn origin(&self) -> Origin {
        let entry = self.entry();
        Origin { entry: entry.shown_path(), offset: entry.offset }
    }

    /// The error of the current entry.
    pub(super) fn refuse(&self, reason: impl Into<Reason>) -> TarError {
        self.origin().refuse(reason)
    }

    /// Whether the store has an object already.
    pub(super) fn has(&self, name: &ObjectName) -> Result<bool, TarError> {
        self.store.has_object(name).map_err(|source| self.refuse(source))
    }

    /// The content of the current entry, which must be a metadata object within the limit.
    pub(super) fn read_metadata(&mut self, into: &mut Vec<u8>) -> Result<(), TarError> {
        let entry = self.entry();
        if !entry.is_regular() {
            return Err(self.refuse(Reason::MetadataNotRegular));
        }
        if entry.size > MAX_METADATA_SIZE {
            let (size, limit) = (entry.size, MAX_METADATA_SIZE);
            return Err(self.refuse(Reason::MetadataTooLarge { size, limit }));
        }
        self.entries.read_content(into)
    }

    /// Takes in a set of xattrs that has a name of its own.
    pub(super) fn keep_xattrs(&mut self, name: ostree_core::Checksum) -> Result<(), TarError> {
        let mut bytes = std::mem::take(&mut self.scratch);
        self.read_xattrs(&mut bytes)?;
        let kept = self.xattrs.keep(&bytes, name).map_err(|reason| self.refuse(reason));
        self.scratch = bytes;
        kept
    }

    /// Takes in what says which xattrs the next file has.
    pub(super) fn expect_xattrs(&mut self, file: FileId, v0: bool) -> Result<(), TarError> {
        self.xattrs.check_nothing_pending().map_err(|reason| self.refuse(reason))?;
        let entry = self.entry();
        if entry.kind.is_hard_link() {
            if entry.link.is_empty() {
                return Err(self.refuse(Reason::NoXattrsTarget(file)));
            }
            let name = xattrs_target(&entry.link, v0).map_err(|reason| self.refuse(reason))?;
            self.xattrs.expect_named(file, name);
            return Ok(());
        }
        if v0 || !entry.is_regular() {
            let kind = entry.shown_kind();
            return Err(self.refuse(Reason::XattrsLinkType { kind, file }));
        }
        let mut bytes = std::mem::take(&mut self.scratch);
        self.read_xattrs(&mut bytes)?;
        let expected = self.xattrs.expect_set(file, &bytes).map_err(|reason| self.refuse(reason));
        self.scratch = bytes;
        expected
    }

    fn read_xattrs(&mut self, into: &mut Vec<u8>) -> Result<(), TarError> {
        let entry = self.entry();
        if !entry.is_regular() {
            return Err(self.refuse(Reason::XattrsType(entry.shown_kind())));
        }
        if entry.size > MAX_XATTRS_SIZE {
            return Err(self.refuse(Reason::XattrsTooLarge(entry.size)));
        }
        self.entries.read_content(into)
    }

    /// Ends reading: no file may be missing that xattrs came for.
    pub(super) fn finish(&mut self) -> Result<(), TarError> {
        if let Some(file) = self.xattrs.dangling() {
            return Err(TarError::DanglingXattrs { file });
        }
        self.entries.drain()
    }
}

/// Whether an entry outside of the repository has content of its own. Exporters write empty files as such, and all others
/// as links to objects.
fn is_foreign(entry: &Entry) -> bool {
    let regular = entry.is_regular() && entry.size > 0;
    let path = entry.path.strip_prefix(b"./").unwrap_or(&entry.path);
    (regular || entry.kind.is_symlink()) && !path.starts_with(b"sysroot/")
}
