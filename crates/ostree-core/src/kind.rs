//! The kinds of objects and their full names.

use std::fmt;
use std::str::FromStr;

use crate::checksum::Checksum;
use crate::error::ObjectError;

/// What an object is. The discriminants are libostree's `OstreeObjectType`, which stand in static deltas and
/// `ostree.sizes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ObjectKind {
    /// A regular file or a symlink with its metadata.
    File = 1,
    /// A directory's entries.
    DirTree = 2,
    /// A directory's owner, mode and xattrs.
    DirMeta = 3,
    /// A commit.
    Commit = 4,
    /// The trace of a deleted commit.
    TombstoneCommit = 5,
    /// Detached metadata of a commit; not named by its own checksum.
    CommitMeta = 6,
    /// A symlink from a payload's checksum to a file object that has it.
    PayloadLink = 7,
    /// A set of xattrs (`bare-split-xattrs` only).
    FileXattrs = 8,
    /// A file's pointer to its xattrs (`bare-split-xattrs` only).
    FileXattrsLink = 9,
}

impl ObjectKind {
    /// Every kind, in the order of the discriminants.
    pub const ALL: [Self; 9] = [
        Self::File,
        Self::DirTree,
        Self::DirMeta,
        Self::Commit,
        Self::TombstoneCommit,
        Self::CommitMeta,
        Self::PayloadLink,
        Self::FileXattrs,
        Self::FileXattrsLink,
    ];

    /// The name, which is also the file name extension in a repository.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::DirTree => "dirtree",
            Self::DirMeta => "dirmeta",
            Self::Commit => "commit",
            Self::TombstoneCommit => "tombstone-commit",
            Self::CommitMeta => "commitmeta",
            Self::PayloadLink => "payload-link",
            Self::FileXattrs => "file-xattrs",
            Self::FileXattrsLink => "file-xattrs-link",
        }
    }

    /// Whether the object is a GVariant of its own, stored alike in every repository mode.
    pub const fn is_metadata(self) -> bool {
        matches!(self, Self::DirTree | Self::DirMeta | Self::Commit | Self::TombstoneCommit | Self::CommitMeta)
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ObjectKind {
    type Err = ObjectError;

    fn from_str(text: &str) -> Result<Self, ObjectError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| ObjectError::Invalid { what: "object type", reason: format!("unknown type {text:?}") })
    }
}

/// A checksum together with the kind of object it names; written `CHECKSUM.KIND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// The checksum.
    pub checksum: Checksum,
    /// The kind.
    pub kind: ObjectKind,
}

impl ObjectName {
    /// The name of the object of this kind with this checksum.
    pub const fn new(kind: ObjectKind, checksum: Checksum) -> Self {
        Self { checksum, kind }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.checksum, self.kind)
    }
}
