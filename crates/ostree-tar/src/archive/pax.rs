//! What the PAX records of an entry say beyond its header: xattrs, and an access list's share in the mode.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ostree_core::Xattrs;
use tar_core::PaxExtensions;

use crate::error::Reason;

/// The records' keys: xattrs by name with their bytes, by encoded name in base64, and the label on its own.
const SCHILY: &[u8] = b"SCHILY.xattr.";
const LIBARCHIVE: &[u8] = b"LIBARCHIVE.xattr.";
const SELINUX: &[u8] = b"RHT.security.selinux";
const ACCESS_LIST: &[u8] = b"SCHILY.acl.access";

/// Base64 with or without its padding, as writers differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The xattrs that the records hold. Where one is repeated, the last counts.
pub(crate) fn xattrs(pax: &[u8]) -> Result<Xattrs, Reason> {
    let mut pairs = Vec::new();
    for (key, value) in records(pax) {
        if let Some(name) = key.strip_prefix(SCHILY) {
            pairs.push((name.to_vec(), value.to_vec()));
        } else if let Some(name) = key.strip_prefix(LIBARCHIVE) {
            let name = percent_decoded(name);
            let value = BASE64.decode(value).map_err(|_| Reason::Xattr(name.escape_ascii().to_string()))?;
            pairs.push((name, value));
        } else if key == SELINUX {
            pairs.push((b"security.selinux".to_vec(), value.to_vec()));
        }
    }
    Ok(Xattrs::new(pairs)?)
}

/// `permissions` with those that an access list gives owner, group and others. The group's bits of a header with an access
/// list are the mask instead.
pub(crate) fn permissions(pax: &[u8], permissions: u32) -> u32 {
    let lists = records(pax).filter(|(key, _)| *key == ACCESS_LIST);
    lists.flat_map(|(_, list)| list.split(|byte| matches!(byte, b',' | b'\n'))).fold(permissions, |mode, rule| {
        let fields: Vec<&[u8]> = rule.split(|byte| *byte == b':').collect();
        let (shift, bits) = match fields.as_slice() {
            [b"user" | b"u", b"", bits, ..] => (6, bits),
            [b"group" | b"g", b"", bits, ..] => (3, bits),
            [b"other" | b"o", b"", bits, ..] | [b"other" | b"o", bits] => (0, bits),
            _ => return mode,
        };
        let given = [(b'r', 4), (b'w', 2), (b'x', 1)].iter().filter(|(letter, _)| bits.contains(letter));
        mode & !(7 << shift) | (given.map(|(_, bit)| bit).sum::<u32>() << shift)
    })
}

/// The records up to the first that is malformed; the parser has refused those it reads itself.
fn records(pax: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    PaxExtensions::new(pax).map_while(Result::ok).map(|record| (record.key_bytes(), record.value_bytes()))
}

fn percent_decoded(name: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (*first, rest.get(1..).unwrap_or_default()),
            },
            _ => (*first, after),
        };
        decoded.push(byte);
        rest = after;
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, value: &[u8]) -> Vec<u8> {
        let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
        let length = (rest.len()..).find(|length| length.to_string().len() + rest.len() == *length).unwrap();
        [length.to_string().as_bytes(), &rest].concat()
    }

    #[test]
    fn xattrs_of_every_writer() {
        let pax = [
            record("SCHILY.xattr.user.z", b"\n\0=\xff"),
            record("SCHILY.xattr.user.empty", b""),
            record("LIBARCHIVE.xattr.user.c%3dq", b"AP8"),
            record("RHT.security.selinux", b"a:b:c"),
            record("mtime", b"1.5"),
        ]
        .concat();
        let set = xattrs(&pax).unwrap();
        assert_eq!(set.get(b"user.z"), Some(&b"\n\0=\xff"[..]));
        assert_eq!(set.get(b"user.empty"), Some(&b""[..]));
        assert_eq!(set.get(b"user.c=q"), Some(&b"\0\xff"[..]));
        assert_eq!(set.get(b"security.selinux"), Some(&b"a:b:c"[..]));
        assert_eq!(set.iter().count(), 4);
        assert!(xattrs(&record("LIBARCHIVE.xattr.user.a", b"?")).is_err());
        assert_eq!(percent_decoded(b"a%2"), b"a%2");
        assert_eq!(percent_decoded(b"%zz%41"), b"%zzA");
    }

    #[test]
    fn access_lists_give_the_group_back_its_bits() {
        let list = record("SCHILY.acl.access", b"user::rw-,user:5:r--,group::r--,mask::rw-,other::r--");
        assert_eq!(permissions(&list, 0o664), 0o644);
        let list = record("SCHILY.acl.access", b"user::r-x\ngroup::--x\nother::---\n");
        assert_eq!(permissions(&list, 0o4755), 0o4510);
        assert_eq!(permissions(&record("SCHILY.acl.default", b"user::---"), 0o755), 0o755);
    }
}
