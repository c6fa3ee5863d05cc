//! The header of a `.filez` object in an archive repository (GVariant `(tuuuusa(ayay))`, integers big-endian).
//!
//! What follows the header is a raw deflate stream of the content for a regular file, and nothing for a symlink.

use std::io::Read;

use gvariant::{Marker, Structure, gv};

use crate::error::ObjectError;
use crate::file::header::{FileHeader, with_length_prefix};
use crate::gvariant::check_normal;
use crate::limits::MAX_METADATA_SIZE;
use crate::owner::Owner;
use crate::xattr::Xattrs;

/// A file header together with the length of the content it describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveHeader {
    /// The length of the uncompressed content in bytes; 0 for a symlink.
    pub size: u64,
    /// The header.
    pub header: FileHeader,
}

/// The bytes that stand at the start of a `.filez` object, length prefix included.
pub fn write_archive_header(size: u64, header: &FileHeader) -> Vec<u8> {
    let wire = header.xattrs.wire();
    let pairs: Vec<(&[u8], &[u8])> = wire.iter().map(|(name, value)| (name.as_slice(), *value)).collect();
    with_length_prefix(gv!("(tuuuusa(ayay))").serialize_to_vec(&(
        size.to_be(),
        header.owner.uid.to_be(),
        header.owner.gid.to_be(),
        header.mode.to_be(),
        0u32,
        header.symlink_target.as_str(),
        &pairs,
    )))
}

/// Why the header of a `.filez` object could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveHeaderError {
    /// The stream failed or ended too early.
    #[error("reading the file header")]
    Read(#[from] std::io::Error),
    /// The bytes are no valid header.
    #[error(transparent)]
    Object(#[from] ObjectError),
}

/// Reads the length prefix and header from `stream`, which is left at the start of the deflate stream.
pub fn read_archive_header(stream: &mut impl Read) -> Result<ArchiveHeader, ArchiveHeaderError> {
    let mut prefix = [0; 8];
    stream.read_exact(&mut prefix)?;
    let [a, b, c, d, ..] = prefix;
    let length = u64::from(u32::from_be_bytes([a, b, c, d]));
    if length == 0 || length > MAX_METADATA_SIZE {
        return Err(ObjectError::invalid("file header", format!("a header of {length} bytes")).into());
    }
    // Grown while reading, so that a lying length costs no memory.
    let mut bytes = Vec::new();
    stream.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    Ok(decode(&bytes)?)
}

fn decode(bytes: &[u8]) -> Result<ArchiveHeader, ObjectError> {
    check_normal("file header", "(tuuuusa(ayay))", bytes)?;
    let value = gv!("(tuuuusa(ayay))").from_bytes(bytes);
    let (size, uid, gid, mode, rdev, target, pairs) = value.to_tuple();
    if *rdev != 0 {
        return Err(ObjectError::invalid("file header", "Corrupted archive file; invalid rdev"));
    }
    let pairs = pairs.iter().map(|pair| {
        let (name, value) = pair.to_tuple();
        (name, value)
    });
    let header = FileHeader {
        owner: Owner { uid: u32::from_be(*uid), gid: u32::from_be(*gid) },
        mode: u32::from_be(*mode),
        symlink_target: target.to_str().to_owned(),
        xattrs: Xattrs::from_wire(pairs, "file header")?,
    };
    header.validate()?;
    let size = u64::from_be(*size);
    if header.is_symlink() && size != 0 {
        return Err(ObjectError::invalid("file header", "a symlink with content"));
    }
    Ok(ArchiveHeader { size, header })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_vector() {
        let xattrs = Xattrs::new(vec![(b"user.foo".to_vec(), b"bar".to_vec())]).unwrap();
        let header = FileHeader::regular(Owner::default(), 0o644, xattrs);
        let bytes = write_archive_header(6, &header);
        assert_eq!(&bytes[..16], b"\0\0\0\x28\0\0\0\0\0\0\0\0\0\0\0\x06");
        assert_eq!(&bytes[33..], b"user.foo\0bar\x09\x0d\x19");
        let again = read_archive_header(&mut bytes.as_slice()).unwrap();
        assert_eq!(again, ArchiveHeader { size: 6, header });
        assert!(read_archive_header(&mut &bytes[..20]).is_err());
        assert!(read_archive_header(&mut &[0xff; 8][..]).is_err());
    }
}
