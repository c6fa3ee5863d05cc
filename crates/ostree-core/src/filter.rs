//! The seam between what reads trees from outside and what decides about each of their entries.

use crate::owner::Owner;

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes in with these attributes; the mode includes the type bits.
    Keep {
        /// The owner.
        owner: Owner,
        /// The mode.
        mode: u32,
    },
    /// It is left out.
    Skip,
}

/// Changes or leaves out entries on the way into a tree. Several threads may ask at once.
pub trait EntryFilter: Sync {
    /// Decides about the entry at `path`, which is that of the tree, absolute: `/`, `/usr/bin/x`. `mode` includes the type
    /// bits.
    fn decide(&self, path: &str, owner: Owner, mode: u32) -> Verdict;

    /// Whether entries keep their xattrs; if not, none has any.
    fn keeps_xattrs(&self) -> bool;

    /// The SELinux label that the entry at `path` gets in place of its own, if any; whether it keeps its other xattrs makes
    /// no difference. `path` and `mode` as in [`EntryFilter::decide`], which goes before.
    fn label(&self, _path: &str, _mode: u32) -> Option<String> {
        None
    }
}

/// Takes every entry as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeepAll;

impl EntryFilter for KeepAll {
    fn decide(&self, _path: &str, owner: Owner, mode: u32) -> Verdict {
        Verdict::Keep { owner, mode }
    }

    fn keeps_xattrs(&self) -> bool {
        true
    }
}
