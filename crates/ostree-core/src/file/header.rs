//! The file header (GVariant `(uuuusa(ayay))`, integers big-endian).

use gvariant::{Marker, Structure, gv};

use crate::error::ObjectError;
use crate::gvariant::check_normal;
use crate::mode;
use crate::owner::Owner;
use crate::xattr::Xattrs;

/// What describes a file besides its content: a regular file, or a symlink where `symlink_target` is not empty or the
/// mode says so. The content of a symlink is its target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileHeader {
    /// The owner.
    pub owner: Owner,
    /// The mode, type bits included; a regular file's or a symlink's.
    pub mode: u32,
    /// The target of a symlink; empty for a regular file.
    pub symlink_target: String,
    /// The extended attributes.
    pub xattrs: Xattrs,
}

impl FileHeader {
    /// The header of a symlink. Its mode is always 0777.
    pub fn symlink(owner: Owner, target: impl Into<String>, xattrs: Xattrs) -> Self {
        Self { owner, mode: mode::SYMLINK_MODE, symlink_target: target.into(), xattrs }
    }

    /// The header of a regular file; `permissions` without type bits.
    pub fn regular(owner: Owner, permissions: u32, xattrs: Xattrs) -> Self {
        Self { owner, mode: mode::REGULAR | permissions, symlink_target: String::new(), xattrs }
    }

    /// Whether this is a symlink.
    pub fn is_symlink(&self) -> bool {
        mode::is_symlink(self.mode)
    }

    /// Refuses a mode that is neither a regular file's nor a symlink's, and targets that do not fit it.
    pub fn validate(&self) -> Result<(), ObjectError> {
        let refuse = |reason: String| Err(ObjectError::Invalid { what: "file header", reason });
        if !mode::is_regular(self.mode) && !mode::is_symlink(self.mode) {
            return refuse(format!("Invalid mode 0{:04o}; not a valid file type", self.mode));
        }
        if self.mode & !(mode::TYPE_MASK | mode::PERMISSION_MASK) != 0 {
            return refuse(format!("Invalid mode 0{:04o}; invalid bits in mode", self.mode));
        }
        if self.symlink_target.contains('\0') {
            return refuse("a NUL byte in a symlink target".to_owned());
        }
        if !self.is_symlink() && !self.symlink_target.is_empty() {
            return refuse("a regular file with a symlink target".to_owned());
        }
        Ok(())
    }

    /// The bytes that stand before the content in the checksum: big-endian length, four zero bytes, the header.
    pub fn encode(&self) -> Vec<u8> {
        let wire = self.xattrs.wire();
        let pairs: Vec<(&[u8], &[u8])> = wire.iter().map(|(name, value)| (name.as_slice(), *value)).collect();
        let header = gv!("(uuuusa(ayay))").serialize_to_vec(&(
            self.owner.uid.to_be(),
            self.owner.gid.to_be(),
            self.mode.to_be(),
            0u32,
            self.symlink_target.as_str(),
            &pairs,
        ));
        with_length_prefix(header)
    }

    /// Reads the header alone, without the length prefix.
    pub fn decode(bytes: &[u8]) -> Result<Self, ObjectError> {
        check_normal("file header", "(uuuusa(ayay))", bytes)?;
        let value = gv!("(uuuusa(ayay))").from_bytes(bytes);
        let (uid, gid, mode, rdev, target, pairs) = value.to_tuple();
        let pairs = pairs.iter().map(|pair| {
            let (name, value) = pair.to_tuple();
            (name, value)
        });
        if *rdev != 0 {
            return Err(ObjectError::invalid("file header", "Corrupted archive file; invalid rdev"));
        }
        let header = Self {
            owner: Owner { uid: u32::from_be(*uid), gid: u32::from_be(*gid) },
            mode: u32::from_be(*mode),
            symlink_target: target.to_str().to_owned(),
            xattrs: Xattrs::from_wire(pairs, "file header")?,
        };
        header.validate()?;
        Ok(header)
    }
}

/// Puts the length (u32, big-endian) and four zero bytes in front of a header.
pub(super) fn with_length_prefix(header: Vec<u8>) -> Vec<u8> {
    // Headers hold one symlink target and one set of xattrs, both far below 4 GiB.
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &[0; 4], &header].concat()
}
