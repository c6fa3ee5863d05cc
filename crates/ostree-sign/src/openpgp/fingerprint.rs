//! The names of keys.

use std::fmt;
use std::str::FromStr;

use sequoia_openpgp::KeyHandle;

/// A text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fingerprint '{0}': not 40 or 64 hexadecimal digits")]
pub struct InvalidFingerprint(String);

/// A key's fingerprint: 20 bytes, or 32 of a version 6 key. Shown as upper case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(Vec<u8>);

/// The short name of a key: 8 bytes, of a version 4 key the last ones of its fingerprint. Shown as upper case hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 8]);

impl Fingerprint {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key's short name.
    pub fn key_id(&self) -> KeyId {
        let from = if self.0.len() == 32 { 0 } else { self.0.len().saturating_sub(8) };
        let mut id = [0; 8];
        id.iter_mut().zip(self.0.iter().skip(from)).for_each(|(to, byte)| *to = *byte);
        KeyId(id)
    }

    /// Whether `name` is this key: a fingerprint, a long or a short key id, each with or without `0x` before it.
    pub fn is_named(&self, name: &str) -> bool {
        let name = name.strip_prefix("0x").or_else(|| name.strip_prefix("0X")).unwrap_or(name).to_ascii_uppercase();
        match name.len() {
            40 | 64 => self.to_string() == name,
            16 => self.key_id().to_string() == name,
            8 => self.key_id().to_string().ends_with(&name),
            _ => false,
        }
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    /// Takes 40 or 64 hexadecimal digits, in upper or lower case, with spaces between them.
    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let refuse = || InvalidFingerprint(text.to_owned());
        let digits = text.chars().filter(|c| *c != ' ').map(|c| c.to_digit(16)).collect::<Option<Vec<u32>>>();
        let digits = digits.filter(|digits| matches!(digits.len(), 40 | 64)).ok_or_else(refuse)?;
        let byte = |pair: &[u32]| pair.iter().fold(0, |high, digit| high << 4 | *digit) as u8;
        Ok(Self(digits.chunks(2).map(byte).collect()))
    }
}

impl From<&sequoia_openpgp::Fingerprint> for Fingerprint {
    fn from(theirs: &sequoia_openpgp::Fingerprint) -> Self {
        Self(theirs.as_bytes().to_vec())
    }
}

impl From<sequoia_openpgp::Fingerprint> for Fingerprint {
    fn from(theirs: sequoia_openpgp::Fingerprint) -> Self {
        Self::from(&theirs)
    }
}

/// The fingerprint of a key's name where the name is one, and its key id.
pub(super) fn split(handle: &KeyHandle) -> (Option<Fingerprint>, KeyId) {
    match handle {
        KeyHandle::Fingerprint(fingerprint) => {
            let fingerprint = Fingerprint::from(fingerprint);
            let id = fingerprint.key_id();
            (Some(fingerprint), id)
        }
        KeyHandle::KeyID(id) => {
            let mut bytes = [0; 8];
            bytes.iter_mut().zip(id.as_bytes()).for_each(|(to, byte)| *to = *byte);
            (None, KeyId(bytes))
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_many_names() {
        let key: Fingerprint = "1C4B 4AA4 82CB D61B DF6E  C3E6 E884 5ED0 1796 c029".parse().unwrap();
        assert_eq!(key.key_id().to_string(), "E8845ED01796C029");
        for name in ["1C4B4AA482CBD61BDF6EC3E6E8845ED01796C029", "0xE8845ED01796C029", "e8845ed01796c029", "1796C029"] {
            assert!(key.is_named(name), "{name}");
        }
        for name in ["", "0x", "C029", "1C4B4AA4", "1C4B4AA482CBD61BDF6EC3E6E8845ED01796C02"] {
            assert!(!key.is_named(name), "{name}");
        }
        assert!("1796C029".parse::<Fingerprint>().is_err());
        assert!("x".repeat(40).parse::<Fingerprint>().is_err());
    }
}
