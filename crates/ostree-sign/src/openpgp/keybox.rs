//! GnuPG's `pubring.kbx`: a file of blobs, some of which hold OpenPGP certificates.
//!
//! A blob is its length (`u32`), a type, a version, flags (`u16`), and for certificates the place of them in the blob (offset
//! and length, `u32` each); all numbers are big-endian. The first blob is the header, with `KBXf` in it at offset 8.

use crate::error::SignError;

const MAGIC: &[u8] = b"KBXf";
const MAGIC_OFFSET: usize = 8;
const SMALLEST_BLOB: usize = 5;
const OPENPGP: u8 = 2;

/// Whether the file is a keybox.
pub(super) fn is_keybox(bytes: &[u8]) -> bool {
    bytes.get(MAGIC_OFFSET..).is_some_and(|rest| rest.starts_with(MAGIC))
}

/// The OpenPGP certificates of a keybox, as they stand in it.
pub(super) fn blocks<'b>(what: &str, bytes: &'b [u8]) -> Result<Vec<&'b [u8]>, SignError> {
    let mut blocks = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let refuse = |reason: &str| SignError::malformed(what, format!("keybox blob at offset {at}: {reason}"));
        let length = number(bytes, at).ok_or_else(|| refuse("cut off"))?;
        let blob = at.checked_add(length).and_then(|end| bytes.get(at..end)).ok_or_else(|| refuse("cut off"))?;
        if length < SMALLEST_BLOB {
            return Err(refuse("too short"));
        }
        if blob.get(4) == Some(&OPENPGP) {
            let block = number(blob, 8).zip(number(blob, 12)).and_then(|(start, size)| {
                let end = start.checked_add(size)?;
                blob.get(start..end)
            });
            blocks.push(block.ok_or_else(|| refuse("its certificate is outside of it"))?);
        }
        at += length;
    }
    Ok(blocks)
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_be_bytes(four.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 32, 1, 1, 0, 0];
        bytes.extend(MAGIC);
        bytes.resize(32, 0);
        bytes.extend([0, 0, 0, 19, OPENPGP, 1, 0, 0, 0, 0, 0, 16, 0, 0, 0, 3, b'a', b'b', b'c']);
        bytes.extend([0, 0, 0, 6, 3, 1]);
        bytes
    }

    #[test]
    fn certificates_are_found() {
        let bytes = sample();
        assert!(is_keybox(&bytes));
        assert_eq!(blocks("x", &bytes).unwrap(), [b"abc"]);
    }

    #[test]
    fn damage_is_told() {
        for (at, byte) in [(35, 200), (35, 4), (43, 17), (47, 4), (3, 0)] {
            let mut bytes = sample();
            bytes[at] = byte;
            assert!(blocks("x", &bytes).is_err(), "{at} {byte}");
        }
        assert!(!is_keybox(b"short"));
    }
}
