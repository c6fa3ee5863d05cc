//! The ways a repository keeps file objects.

use std::fmt;

/// A repository mode (`[core] mode` of its `config`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RepoMode {
    /// Files with their real owner, mode and xattrs; needs root.
    Bare,
    /// Files owned by the repository's owner; the real metadata stands in the xattr `user.ostreemeta`.
    BareUser,
    /// Files owned by the repository's owner; owner and xattrs are not kept at all.
    BareUserOnly,
    /// Compressed files with a header, for serving over HTTP.
    Archive,
    /// Files with their real owner and mode; the xattrs stand in objects of their own. Read only, as in libostree.
    BareSplitXattrs,
}

impl RepoMode {
    /// The mode of this name, as in `config` and `--mode`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "bare" => Self::Bare,
            "bare-user" => Self::BareUser,
            "bare-user-only" => Self::BareUserOnly,
            "archive" | "archive-z2" => Self::Archive,
            "bare-split-xattrs" => Self::BareSplitXattrs,
            _ => return None,
        })
    }

    /// The name as `config` has it. For archives that is the older one of the two.
    pub const fn config_name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::BareUser => "bare-user",
            Self::BareUserOnly => "bare-user-only",
            Self::Archive => "archive-z2",
            Self::BareSplitXattrs => "bare-split-xattrs",
        }
    }

    /// Whether a regular file object is a file of the same content.
    pub const fn is_bare(self) -> bool {
        !matches!(self, Self::Archive)
    }

    /// Whether objects with xattrs can be kept.
    pub const fn keeps_xattrs(self) -> bool {
        !matches!(self, Self::BareUserOnly)
    }
}

impl fmt::Display for RepoMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.config_name())
    }
}
