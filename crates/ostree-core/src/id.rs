//! Checksums that say which kind of object they name.

use std::fmt;
use std::str::FromStr;

use crate::checksum::{Checksum, InvalidChecksum};
use crate::kind::{ObjectKind, ObjectName};

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $kind:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Checksum);

        impl $name {
            /// The id with this checksum.
            pub const fn new(checksum: Checksum) -> Self {
                Self(checksum)
            }

            /// The untyped checksum.
            pub const fn checksum(&self) -> &Checksum {
                &self.0
            }

            /// The full name of the object in a store.
            pub const fn object(&self) -> ObjectName {
                ObjectName { checksum: self.0, kind: ObjectKind::$kind }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidChecksum;

            fn from_str(text: &str) -> Result<Self, InvalidChecksum> {
                text.parse().map(Self)
            }
        }
    };
}

typed_id!(
    /// Names a commit object.
    CommitId, Commit
);
typed_id!(
    /// Names a dirtree object.
    DirTreeId, DirTree
);
typed_id!(
    /// Names a dirmeta object.
    DirMetaId, DirMeta
);
typed_id!(
    /// Names a file object: a regular file or a symlink.
    FileId, File
);
