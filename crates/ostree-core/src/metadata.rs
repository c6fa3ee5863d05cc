//! Metadata dictionaries (GVariant `a{sv}`): known keys by type, unknown ones kept byte for byte.

use gvariant::{Marker, SerializeTo, Structure, gv};

use crate::error::ObjectError;
use crate::gvariant::check_normal;

/// Commit metadata key: the human version, `s`.
pub const VERSION: &str = "version";
/// Commit metadata key: the refs the commit was made for, `as`.
pub const REF_BINDING: &str = "ostree.ref-binding";
/// Commit metadata key: the collection the commit was made for, `s`.
pub const COLLECTION_BINDING: &str = "ostree.collection-binding";
/// Commit metadata key: whether the tree can be booted, `b`.
pub const BOOTABLE: &str = "ostree.bootable";
/// Commit metadata key: the kernel release, `s`.
pub const LINUX: &str = "ostree.linux";
/// Commit metadata key: sizes of all objects, `aay`.
pub const SIZES: &str = "ostree.sizes";
/// Commit metadata key: the default command of a container made of the commit, `as`.
pub const CONTAINER_CMD: &str = "ostree.container-cmd";
/// Detached metadata key: OpenPGP signatures, `aay`.
pub const GPG_SIGNATURES: &str = "ostree.gpgsigs";

/// A value of any GVariant type, in serialised form with the host's (little) endianness. Reading checks normal form, so
/// what was read is written again as the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawVariant {
    /// The GVariant type string.
    pub type_string: String,
    /// The serialised value.
    pub bytes: Vec<u8>,
}

impl RawVariant {
    /// A string, type `s`. A NUL in it ends it.
    pub fn string(text: &str) -> Self {
        Self { type_string: "s".into(), bytes: gv!("s").serialize_to_vec(text.split('\0').next().unwrap_or_default()) }
    }

    /// A boolean, type `b`.
    pub fn boolean(value: bool) -> Self {
        Self { type_string: "b".into(), bytes: vec![value.into()] }
    }

    /// An array of strings, type `as`.
    pub fn strings<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let values: Vec<&str> = values.into_iter().collect();
        Self { type_string: "as".into(), bytes: gv!("as").serialize_to_vec(&values) }
    }

    /// An array of bytes, type `ay`.
    pub fn byte_array(bytes: Vec<u8>) -> Self {
        Self { type_string: "ay".into(), bytes }
    }

    /// An array of byte arrays, type `aay`.
    pub fn byte_arrays<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let values: Vec<&[u8]> = values.into_iter().collect();
        Self { type_string: "aay".into(), bytes: gv!("aay").serialize_to_vec(values) }
    }

    /// The text, if this is an `s`.
    pub fn as_str(&self) -> Option<&str> {
        let bytes = (self.type_string == "s").then_some(&self.bytes)?;
        std::str::from_utf8(bytes.strip_suffix(b"\0")?).ok()
    }

    /// The value, if this is a `b`.
    pub fn as_bool(&self) -> Option<bool> {
        (self.type_string == "b").then(|| self.bytes == [1])
    }

    /// The number in native order, if this is a `t`.
    pub fn as_u64(&self) -> Option<u64> {
        let bytes = (self.type_string == "t").then_some(&self.bytes)?;
        Some(u64::from_le_bytes(bytes.as_slice().try_into().ok()?))
    }

    /// The strings, if this is an `as`.
    pub fn as_strings(&self) -> Option<Vec<String>> {
        (self.type_string == "as")
            .then(|| gv!("as").from_bytes(&self.bytes).iter().map(|text| text.to_str().to_owned()).collect())
    }

    /// The bytes, if this is an `ay`.
    pub fn as_byte_array(&self) -> Option<&[u8]> {
        (self.type_string == "ay").then_some(&self.bytes)
    }

    /// The byte arrays, if this is an `aay`.
    pub fn as_byte_arrays(&self) -> Option<Vec<Vec<u8>>> {
        (self.type_string == "aay").then(|| gv!("aay").from_bytes(&self.bytes).iter().map(<[u8]>::to_vec).collect())
    }
}

impl SerializeTo<gvariant::Variant> for &RawVariant {
    fn serialize(self, f: &mut impl std::io::Write) -> std::io::Result<usize> {
        f.write_all(&self.bytes)?;
        f.write_all(b"\0")?;
        f.write_all(self.type_string.as_bytes())?;
        Ok(self.bytes.len() + 1 + self.type_string.len())
    }
}

/// An ordered dictionary `a{sv}`. The order of the keys is part of a commit's bytes and is never changed. Of a key that
/// stands twice the first is the one that counts, as in libostree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata(Vec<(String, RawVariant)>);

impl Metadata {
    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawVariant)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&RawVariant> {
        self.0.iter().find(|(have, _)| have == key).map(|(_, value)| value)
    }

    /// The text of a key whose value is an `s`.
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(RawVariant::as_str)
    }

    /// The value of a key whose value is a `b`.
    pub fn get_bool(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(RawVariant::as_bool)
    }

    /// The value of a key whose value is an `as`.
    pub fn get_strings(&self, key: &str) -> Option<Vec<String>> {
        self.get(key).and_then(RawVariant::as_strings)
    }

    /// Appends a key, also where it is there already.
    pub fn push(&mut self, key: impl Into<String>, value: RawVariant) {
        self.0.push((key.into(), value));
    }

    /// Replaces the value of a key in its place, or appends the key.
    pub fn set(&mut self, key: &str, value: RawVariant) {
        match self.0.iter_mut().find(|(have, _)| have == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// Removes a key wherever it stands; whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(have, _)| have != key);
        self.0.len() != before
    }

    /// Serialises as `a{sv}`; an empty dictionary gives no bytes.
    pub fn encode(&self) -> Vec<u8> {
        gv!("a{sv}").serialize_to_vec(&self.wire())
    }

    pub(crate) fn wire(&self) -> Vec<(&str, &RawVariant)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value)).collect()
    }

    /// Reads an `a{sv}` in normal form. Empty keys are refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, ObjectError> {
        check_normal("metadata dictionary", "a{sv}", bytes)?;
        let value = gv!("a{sv}").from_bytes(bytes);
        Self::from_wire(value.iter().map(|entry| {
            let (key, value) = entry.to_tuple();
            (key.to_str(), value)
        }))
    }

    pub(crate) fn from_wire<'a>(
        entries: impl Iterator<Item = (&'a str, &'a gvariant::Variant)>,
    ) -> Result<Self, ObjectError> {
        entries
            .map(|(key, value)| {
                if key.is_empty() {
                    return Err(ObjectError::invalid("metadata dictionary", "an empty key"));
                }
                let (type_string, bytes) = value.split();
                let type_string = String::from_utf8_lossy(type_string).into_owned();
                Ok((key.to_owned(), RawVariant { type_string, bytes: bytes.to_vec() }))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl<'a> FromIterator<(&'a str, RawVariant)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (&'a str, RawVariant)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_values_are_kept_byte_for_byte() {
        let mut metadata = Metadata::default();
        metadata.push("version", RawVariant::string("1.0"));
        metadata
            .push("k", RawVariant { type_string: "(yv)".into(), bytes: b"\x01\0\0\0\0\0\0\0\x05\0\0\0\0u".to_vec() });
        metadata.push("refs", RawVariant::strings(["a", "b"]));
        let bytes = metadata.encode();
        let again = Metadata::decode(&bytes).unwrap();
        assert_eq!(again, metadata);
        assert_eq!(again.encode(), bytes);
        assert_eq!(again.get_str("version"), Some("1.0"));
        assert_eq!(again.get_strings("refs"), Some(vec!["a".into(), "b".into()]));
        assert_eq!(again.get_bool("version"), None);
        assert!(Metadata::default().encode().is_empty());
    }
}
