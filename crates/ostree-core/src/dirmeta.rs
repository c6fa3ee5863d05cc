//! The dirmeta object: a directory's owner, mode and xattrs (GVariant `(uuua(ayay))`, integers big-endian).

use gvariant::{Marker, Structure, gv};

use crate::checksum::Checksum;
use crate::error::ObjectError;
use crate::gvariant::check_normal;
use crate::id::DirMetaId;
use crate::mode;
use crate::owner::Owner;
use crate::xattr::Xattrs;

/// A directory's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DirMeta {
    /// The owner.
    pub owner: Owner,
    /// The mode, type bits included.
    pub mode: u32,
    /// The extended attributes.
    pub xattrs: Xattrs,
}

impl DirMeta {
    /// The metadata of a directory that belongs to root, mode 0755, without xattrs.
    pub fn root_0755() -> Self {
        Self { owner: Owner::default(), mode: mode::DIRECTORY | 0o755, xattrs: Xattrs::default() }
    }

    /// Reads a dirmeta object. Refused: bytes not in normal form, a mode that is no directory's or has unknown bits,
    /// xattrs that are unnamed.
    pub fn decode(bytes: &[u8]) -> Result<Self, ObjectError> {
        let (owner, mode, xattrs) = decode_attributes(bytes, "dirmeta")?;
        if !mode::is_directory(mode) || mode & !(mode::TYPE_MASK | mode::PERMISSION_MASK) != 0 {
            return Err(ObjectError::invalid("dirmeta", format!("Invalid directory metadata mode {mode:o}")));
        }
        Ok(Self { owner, mode, xattrs })
    }

    /// The object's bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode_attributes(self.owner, self.mode, &self.xattrs)
    }

    /// The name of the object.
    pub fn id(&self) -> DirMetaId {
        DirMetaId::new(Checksum::of(&self.encode()))
    }
}

/// Writes `(uuua(ayay))`: the form of dirmeta objects and of the `user.ostreemeta` xattr.
pub fn encode_attributes(owner: Owner, mode: u32, xattrs: &Xattrs) -> Vec<u8> {
    let wire = xattrs.wire();
    let pairs: Vec<(&[u8], &[u8])> = wire.iter().map(|(name, value)| (name.as_slice(), *value)).collect();
    gv!("(uuua(ayay))").serialize_to_vec(&(owner.uid.to_be(), owner.gid.to_be(), mode.to_be(), &pairs))
}

/// Reads `(uuua(ayay))` in normal form; the mode is not checked. `what` names the bytes in errors.
fn decode_attributes(bytes: &[u8], what: &'static str) -> Result<(Owner, u32, Xattrs), ObjectError> {
    decode_with(bytes, what, |pairs| Xattrs::from_wire(pairs.into_iter(), what))
}

/// Reads the value of the `user.ostreemeta` xattr, `(uuua(ayay))`. Old writers left the xattrs in it unsorted, so they are
/// sorted here; the mode is not checked.
pub fn decode_ostreemeta(bytes: &[u8]) -> Result<(Owner, u32, Xattrs), ObjectError> {
    decode_with(bytes, "user.ostreemeta", |pairs| {
        let without_nul =
            |(name, value): (&[u8], &[u8])| (name.strip_suffix(b"\0").unwrap_or(name).to_vec(), value.to_vec());
        Xattrs::new(pairs.into_iter().map(without_nul).collect())
    })
}

fn decode_with(
    bytes: &[u8],
    what: &'static str,
    xattrs: impl FnOnce(Vec<(&[u8], &[u8])>) -> Result<Xattrs, ObjectError>,
) -> Result<(Owner, u32, Xattrs), ObjectError> {
    check_normal(what, "(uuua(ayay))", bytes)?;
    let value = gv!("(uuua(ayay))").from_bytes(bytes);
    let (uid, gid, mode, pairs) = value.to_tuple();
    let pairs = pairs.iter().map(|pair| {
        let (name, value) = pair.to_tuple();
        (name, value)
    });
    let xattrs = xattrs(pairs.collect())?;
    Ok((Owner { uid: u32::from_be(*uid), gid: u32::from_be(*gid) }, u32::from_be(*mode), xattrs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_directory_vector() {
        let meta = DirMeta::root_0755();
        assert_eq!(meta.encode(), b"\0\0\0\0\0\0\0\0\0\0\x41\xed");
        assert_eq!(meta.id().to_string(), "446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488");
        assert_eq!(DirMeta::decode(&meta.encode()).unwrap(), meta);
    }

    #[test]
    fn a_file_mode_is_refused() {
        let bytes = encode_attributes(Owner::default(), 0o100644, &Xattrs::default());
        assert!(DirMeta::decode(&bytes).is_err());
        assert!(DirMeta::decode(&bytes[..11]).is_err());
    }
}
