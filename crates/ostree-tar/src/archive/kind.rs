//! What kind of thing an entry is, and who owns it.

use ostree_core::{Owner, mode};
use tar_core::EntryType;

use crate::entry::Entry;
use crate::error::Reason;

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    Regular,
    Symlink,
    HardLink,
    /// What trees do not hold, with its type bits.
    Other(u32),
    /// What is no part of the tree.
    Nothing,
}

impl Kind {
    pub(crate) fn of(entry: &Entry) -> Self {
        match entry.kind {
            EntryType::Directory | EntryType::Other(b'D') => Self::Directory,
            EntryType::Symlink => Self::Symlink,
            EntryType::Link => Self::HardLink,
            EntryType::Char => Self::Other(0o020000),
            EntryType::Block => Self::Other(0o060000),
            EntryType::Fifo => Self::Other(0o010000),
            // The rest of a file that starts in another archive, and the label of a volume.
            EntryType::Other(b'M') => Self::Other(0),
            EntryType::Other(b'V') => Self::Nothing,
            _ if entry.kind.is_file() && entry.path.ends_with(b"/") => Self::Directory,
            // POSIX has types that are not known read as regular files.
            _ => Self::Regular,
        }
    }

    pub(crate) fn type_bits(self) -> u32 {
        match self {
            Self::Directory => mode::DIRECTORY,
            Self::Symlink => mode::SYMLINK,
            Self::Regular | Self::HardLink => mode::REGULAR,
            Self::Other(bits) => bits,
            Self::Nothing => 0,
        }
    }
}

/// The owner that an entry states. Ids that do not fit 32 bits are refused.
pub(crate) fn owner(entry: &Entry) -> Result<Owner, Reason> {
    Ok(Owner { uid: id("uid", entry.uid)?, gid: id("gid", entry.gid)? })
}

/// A user or group id. Negative ones stand as 63-bit numbers in the binary form and are taken as the system takes them.
fn id(what: &'static str, value: u64) -> Result<u32, Reason> {
    const NEGATIVE: u64 = 0x7fff_ffff_8000_0000;
    let number = if value >= NEGATIVE && value >> 63 == 0 { value & 0xffff_ffff } else { value };
    u32::try_from(number).map_err(|_| Reason::Owner { what, value })
}

/// The target of a symlink, which is not empty and UTF-8.
pub(crate) fn symlink_target(entry: &Entry) -> Result<&str, Reason> {
    let target = std::str::from_utf8(&entry.link).map_err(|_| Reason::TargetNonUtf8)?;
    if target.is_empty() { Err(Reason::NoTarget) } else { Ok(target) }
}
