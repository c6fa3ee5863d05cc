//! The SHA-256 checksum that names every object.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// A SHA-256 checksum: 32 bytes, written as 64 lower-case hexadecimal characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checksum([u8; 32]);

/// Why a text is no checksum; the wording is the reference program's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChecksum {
    /// The text is not 64 bytes long. Holds its first 64 bytes, newlines replaced by spaces.
    #[error("Invalid rev {0}")]
    Length(String),
    /// A character is not one of `0-9a-f`. Holds its byte value and the text.
    #[error("Invalid character '{0}' in rev '{1}'")]
    Character(u8, String),
    /// The binary form is not 32 bytes long. Holds its length.
    #[error("a binary checksum has 32 bytes, not {0}")]
    Bytes(usize),
}

impl Checksum {
    /// The length of the binary form in bytes.
    pub const LEN: usize = 32;

    /// The checksum whose binary form is `bytes`.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The checksum from its binary form, which must be 32 bytes long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidChecksum> {
        bytes.try_into().map(Self).map_err(|_| InvalidChecksum::Bytes(bytes.len()))
    }

    /// The binary form.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0u8; 64];
        hex::encode_to_slice(self.0, &mut buffer).map_err(|_| fmt::Error)?;
        f.pad(std::str::from_utf8(&buffer).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({self})")
    }
}

impl FromStr for Checksum {
    type Err = InvalidChecksum;

    fn from_str(text: &str) -> Result<Self, InvalidChecksum> {
        if text.len() != 64 {
            let shown = text.chars().take(64).map(|c| if c == '\n' { ' ' } else { c }).collect();
            return Err(InvalidChecksum::Length(shown));
        }
        if let Some(bad) = text.bytes().find(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(InvalidChecksum::Character(bad, text.to_owned()));
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidChecksum::Length(text.to_owned()))?;
        Ok(Self(bytes))
    }
}

/// Computes a [`Checksum`] over bytes that come in pieces.
#[derive(Clone, Default)]
pub struct ChecksumHasher(Sha256);

impl ChecksumHasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of everything seen.
    pub fn finish(self) -> Checksum {
        Checksum(self.0.finalize().into())
    }
}

impl fmt::Debug for ChecksumHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChecksumHasher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_64_lower_case_characters() {
        let text = "446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488";
        assert_eq!(text.parse::<Checksum>().unwrap().to_string(), text);
        assert_eq!("x\ny".parse::<Checksum>().unwrap_err().to_string(), "Invalid rev x y");
        let upper = text.to_uppercase();
        assert!(matches!(upper.parse::<Checksum>(), Err(InvalidChecksum::Character(b'A', _))));
        assert!("é".repeat(32).parse::<Checksum>().is_err());
    }
}
