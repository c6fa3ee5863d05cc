//! The sets of xattrs that a stream has brought, kept because any later file may name them.

use std::collections::HashMap;
use std::sync::Arc;

use ostree_core::{Checksum, FileId, Xattrs};

use crate::error::Reason;
use crate::limits::{MAX_XATTRS_TOTAL, XATTRS_OVERHEAD};

/// The xattrs of a file that is expected next.
#[derive(Debug)]
enum Pending {
    /// Known already.
    Set(Arc<Xattrs>),
    /// Named; looked up when the file needs them.
    Named(Checksum),
}

/// Sets by checksum, and the file that the last pointer was for.
#[derive(Debug, Default)]
pub(super) struct XattrCache {
    sets: HashMap<Checksum, Arc<Xattrs>>,
    total: usize,
    /// The last set that came in a pointer: files of one directory mostly have the same.
    last: Option<(Vec<u8>, Arc<Xattrs>)>,
    pending: Option<(FileId, Pending)>,
}

impl XattrCache {
    /// Keeps a set under its name, which must be its checksum.
    pub(super) fn keep(&mut self, bytes: &[u8], expected: Checksum) -> Result<(), Reason> {
        let actual = Checksum::of(bytes);
        if actual != expected {
            return Err(Reason::ChecksumMismatch { expected, actual });
        }
        if self.sets.contains_key(&actual) {
            return Ok(());
        }
        self.total += bytes.len() + XATTRS_OVERHEAD;
        if self.total > MAX_XATTRS_TOTAL {
            return Err(Reason::XattrsTotal { limit: MAX_XATTRS_TOTAL });
        }
        self.sets.insert(actual, Arc::new(Xattrs::decode(bytes)?));
        Ok(())
    }

    /// Refuses when the file of the last pointer has not come yet.
    pub(super) fn check_nothing_pending(&self) -> Result<(), Reason> {
        match self.dangling() {
            Some(file) => Err(Reason::DanglingXattrs(file)),
            None => Ok(()),
        }
    }

    /// The file whose xattrs came without itself.
    pub(super) fn dangling(&self) -> Option<FileId> {
        self.pending.as_ref().map(|(file, _)| *file)
    }

    /// The next file is `file`, with the set of this name.
    pub(super) fn expect_named(&mut self, file: FileId, name: Checksum) {
        self.pending = Some((file, Pending::Named(name)));
    }

    /// The next file is `file`, with the set of these bytes.
    pub(super) fn expect_set(&mut self, file: FileId, bytes: &[u8]) -> Result<(), Reason> {
        let set = match &self.last {
            Some((last, set)) if last == bytes => Arc::clone(set),
            _ => {
                let set = Arc::new(Xattrs::decode(bytes)?);
                self.last = Some((bytes.to_vec(), Arc::clone(&set)));
                set
            }
        };
        self.pending = Some((file, Pending::Set(set)));
        Ok(())
    }

    /// Ends the expectation: this file has come.
    pub(super) fn arrived(&mut self, file: &FileId) -> Result<Named, Reason> {
        let (expected, pending) = self.pending.take().ok_or(Reason::MissingXattrs)?;
        if expected == *file { Ok(Named(pending)) } else { Err(Reason::OtherXattrs(expected)) }
    }

    /// The set that a file has.
    pub(super) fn resolve(&self, named: Named) -> Result<Arc<Xattrs>, Reason> {
        match named.0 {
            Pending::Set(set) => Ok(set),
            Pending::Named(name) => self.sets.get(&name).cloned().ok_or(Reason::UnknownXattrs(name)),
        }
    }
}

/// The xattrs that a file named, not yet looked up.
#[derive(Debug)]
pub(super) struct Named(Pending);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_bounded() {
        let set = |value: &[u8]| Xattrs::new(vec![(b"user.x".to_vec(), value.to_vec())]).unwrap().encode();
        let (first, second) = (set(b"1"), set(b"2"));
        let room = first.len() + XATTRS_OVERHEAD;
        let mut cache = XattrCache { total: MAX_XATTRS_TOTAL - room, ..XattrCache::default() };
        cache.keep(&first, Checksum::of(&first)).unwrap();
        cache.keep(&first, Checksum::of(&first)).unwrap();
        let refused = cache.keep(&second, Checksum::of(&second));
        assert!(matches!(refused, Err(Reason::XattrsTotal { .. })), "{refused:?}");
    }
}
