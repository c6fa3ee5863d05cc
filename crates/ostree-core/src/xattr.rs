//! Extended attributes as objects hold them: GVariant `a(ayay)`, names with a trailing NUL.

use gvariant::{Marker, Structure, gv};

use crate::error::ObjectError;
use crate::gvariant::check_normal;

/// A set of extended attributes. What is made here is sorted byte-wise by name, each name once. What was read keeps the
/// order it had: `ostree` of 2022 writes the xattrs of tar entries as they come, and the order is part of the checksum.
/// Names are kept without the trailing NUL that stands in the serialised form; values are raw bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Xattrs(Vec<(Vec<u8>, Vec<u8>)>);

impl Xattrs {
    /// Sorts `pairs`. Of several with one name the last stays. Empty names and names with a NUL are refused.
    pub fn new(mut pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Self, ObjectError> {
        if let Some((name, _)) = pairs.iter().find(|(name, _)| name.is_empty() || name.contains(&0)) {
            let reason = format!("invalid name '{}'", name.escape_ascii());
            return Err(ObjectError::invalid("xattrs", reason));
        }
        // A stable sort of the reversed list keeps the last of equal names in front, where `dedup` leaves it.
        pairs.reverse();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, first| later.0 == first.0);
        Ok(Self(pairs))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// The value of the attribute of this name (without NUL).
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.0.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_slice())
    }

    /// Sets one attribute, replacing one of the same name.
    pub fn set(&mut self, name: Vec<u8>, value: Vec<u8>) -> Result<(), ObjectError> {
        let mut pairs = std::mem::take(&mut self.0);
        pairs.push((name, value));
        *self = Self::new(pairs)?;
        Ok(())
    }

    /// Sets `security.selinux` to `label` with a NUL behind it, as the kernel and libostree store labels.
    pub fn set_selinux_label(&mut self, label: &str) {
        let name = &b"security.selinux"[..];
        self.remove(name);
        self.0.push((name.to_vec(), [label.as_bytes(), b"\0"].concat()));
        self.0.sort_by(|a, b| a.0.cmp(&b.0));
    }

    /// Removes the attribute of this name, if it is there.
    pub fn remove(&mut self, name: &[u8]) {
        self.0.retain(|(have, _)| have != name);
    }

    /// The set without the attributes whose value is empty.
    pub fn without_empty(mut self) -> Self {
        self.0.retain(|(_, value)| !value.is_empty());
        self
    }

    /// The pairs as the serialised form holds them, names with their NUL.
    pub(crate) fn wire(&self) -> Vec<(Vec<u8>, &[u8])> {
        self.0.iter().map(|(name, value)| ([name.as_slice(), b"\0"].concat(), value.as_slice())).collect()
    }

    /// From the serialised pairs, in the order they came. Every one must be named and its name NUL-terminated.
    pub(crate) fn from_wire<'a>(
        pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>,
        what: &'static str,
    ) -> Result<Self, ObjectError> {
        pairs
            .map(|(name, value)| match name.split_last() {
                Some((0, name)) if !name.is_empty() && !name.contains(&0) => Ok((name.to_vec(), value.to_vec())),
                _ => Err(ObjectError::invalid(what, format!("xattr name '{}'", name.escape_ascii()))),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Serialises as `a(ayay)`; no attributes give no bytes.
    pub fn encode(&self) -> Vec<u8> {
        let wire = self.wire();
        let pairs: Vec<(&[u8], &[u8])> = wire.iter().map(|(name, value)| (name.as_slice(), *value)).collect();
        gv!("a(ayay)").serialize_to_vec(&pairs)
    }

    /// Reads `a(ayay)` in normal form.
    pub fn decode(bytes: &[u8]) -> Result<Self, ObjectError> {
        check_normal("xattrs", "a(ayay)", bytes)?;
        let value = gv!("a(ayay)").from_bytes(bytes);
        let pairs = value.iter().map(|pair| {
            let (name, value) = pair.to_tuple();
            (name, value)
        });
        Self::from_wire(pairs, "xattrs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_unique_and_round_trip() {
        let pair = |n: &str, v: &str| (n.as_bytes().to_vec(), v.as_bytes().to_vec());
        let set = Xattrs::new(vec![pair("user.b", "1"), pair("user.a", "\n\0"), pair("user.b", "2")]).unwrap();
        assert_eq!(set.get(b"user.b"), Some(&b"2"[..]));
        assert_eq!(set.iter().count(), 2);
        assert_eq!(Xattrs::decode(&set.encode()).unwrap(), set);
        let mut labelled = Xattrs::new(vec![pair("user.a", "1"), pair("security.selinux", "old")]).unwrap();
        labelled.set_selinux_label("new");
        assert_eq!(labelled, Xattrs::new(vec![pair("security.selinux", "new\0"), pair("user.a", "1")]).unwrap());
        assert!(Xattrs::default().encode().is_empty());
        assert!(Xattrs::new(vec![pair("", "1")]).is_err());
        let unsorted = gv!("a(ayay)").serialize_to_vec(&vec![(&b"b\0"[..], &b""[..]), (&b"a\0"[..], &b""[..])]);
        assert_eq!(Xattrs::decode(&unsorted).unwrap().encode(), unsorted);
        let unnamed = gv!("a(ayay)").serialize_to_vec(&vec![(&b"\0"[..], &b""[..])]);
        assert!(Xattrs::decode(&unnamed).is_err());
    }
}
