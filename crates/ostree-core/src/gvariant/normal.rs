//! Whether bytes are the normal form of a GVariant type.

use crate::gvariant::framing::{container_size, offset, offset_width};
use crate::gvariant::types::Type;
use crate::limits::MAX_GVARIANT_DEPTH;

/// Why bytes are not in normal form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a GVariant in normal form at byte {offset}: {reason}")]
pub struct NotNormal {
    /// Where, counted from the start of the object.
    pub offset: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

/// Checks that `bytes` are the normal form of a value of type `wanted`: the only bytes that GLib would write for the
/// value. The error's offset is the start of the innermost value, padding or framing that is wrong.
pub fn check(wanted: &Type, bytes: &[u8]) -> Result<(), NotNormal> {
    Span { bytes, start: 0, depth: 0 }.check(wanted)
}

/// The bytes of one value inside of the object.
#[derive(Clone, Copy)]
struct Span<'a> {
    bytes: &'a [u8],
    /// Where the value starts in the whole object.
    start: usize,
    depth: usize,
}

impl<'a> Span<'a> {
    fn refuse<T>(&self, at: usize, reason: &'static str) -> Result<T, NotNormal> {
        Err(NotNormal { offset: self.start + at, reason })
    }

    /// The child at `from..to`; both were computed from framing offsets, so they may lie outside.
    fn child(&self, from: usize, to: usize) -> Result<Self, NotNormal> {
        match self.bytes.get(from..to) {
            Some(bytes) => Ok(Self { bytes, start: self.start + from, depth: self.depth + 1 }),
            None => self.refuse(from, "a value ends outside of its container"),
        }
    }

    fn check(self, wanted: &Type) -> Result<(), NotNormal> {
        if self.depth > MAX_GVARIANT_DEPTH {
            return self.refuse(0, "values nest too deeply");
        }
        if wanted.fixed_size().is_some_and(|size| size != self.bytes.len()) {
            return self.refuse(0, "a value of fixed size has another size");
        }
        match wanted {
            Type::Boolean if self.bytes.first().is_some_and(|&b| b > 1) => self.refuse(0, "a boolean above 1"),
            Type::String => self.string().map(|_| ()),
            Type::ObjectPath => match self.string()? {
                text if is_object_path(text) => Ok(()),
                _ => self.refuse(0, "an invalid object path"),
            },
            Type::Signature => match self.string()? {
                text if is_signature(text) => Ok(()),
                _ => self.refuse(0, "an invalid signature"),
            },
            Type::Variant => self.variant(),
            Type::Maybe(element) => self.maybe(element),
            Type::Array(element) => match element.fixed_size() {
                Some(size) => self.fixed_array(element, size),
                None => self.variable_array(element),
            },
            Type::Tuple(members) => self.tuple(&members.iter().collect::<Vec<_>>(), wanted),
            Type::DictEntry(key, value) => self.tuple(&[key, value], wanted),
            _ => Ok(()),
        }
    }

    fn string(self) -> Result<&'a str, NotNormal> {
        let Some((0, text)) = self.bytes.split_last() else {
            return self.refuse(self.bytes.len().saturating_sub(1), "a string without its final NUL");
        };
        if let Some(at) = text.iter().position(|&b| b == 0) {
            return self.refuse(at, "a NUL inside of a string");
        }
        std::str::from_utf8(text)
            .or_else(|problem| self.refuse(problem.valid_up_to(), "a string that is not valid UTF-8"))
    }

    fn variant(self) -> Result<(), NotNormal> {
        let Some(nul) = self.bytes.iter().rposition(|&b| b == 0) else {
            return self.refuse(0, "a variant without a type");
        };
        let inner = self.bytes.get(nul + 1..).and_then(|text| std::str::from_utf8(text).ok()).and_then(Type::parse);
        match inner {
            Some(inner) => self.child(0, nul)?.check(&inner),
            None => self.refuse(nul, "a variant of an invalid type"),
        }
    }

    fn maybe(self, element: &Type) -> Result<(), NotNormal> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        if element.fixed_size().is_some() {
            return self.child(0, self.bytes.len())?.check(element);
        }
        match self.bytes.split_last() {
            Some((0, value)) => self.child(0, value.len())?.check(element),
            _ => self.refuse(self.bytes.len() - 1, "a maybe without its final zero"),
        }
    }

    fn fixed_array(self, element: &Type, size: usize) -> Result<(), NotNormal> {
        if !self.bytes.len().is_multiple_of(size) {
            return self.refuse(self.bytes.len(), "an array whose size is no multiple of its elements'");
        }
        // Any bits make a valid number, so nothing inside of such an array can be wrong.
        if matches!(element, Type::Byte | Type::Int16 | Type::Uint16 | Type::Int32 | Type::Uint32)
            || matches!(element, Type::Int64 | Type::Uint64 | Type::Handle | Type::Double)
        {
            return Ok(());
        }
        (0..self.bytes.len()).step_by(size).try_for_each(|at| self.child(at, at + size)?.check(element))
    }

    fn variable_array(self, element: &Type) -> Result<(), NotNormal> {
        let total = self.bytes.len();
        if total == 0 {
            return Ok(());
        }
        let width = offset_width(total);
        let values_end = self.framing(total.saturating_sub(width), width)?;
        let table = total.saturating_sub(values_end);
        if values_end > total || table == 0 || !table.is_multiple_of(width) {
            return self.refuse(total.saturating_sub(width), "an array with a wrong framing offset");
        }
        let count = table / width;
        if container_size(values_end, count) != Some(total) {
            return self.refuse(values_end, "an array with framing offsets that are too wide");
        }
        let mut at = 0;
        for index in 0..count {
            let start = self.padding(at, element.alignment())?;
            let end = self.framing(values_end + index * width, width)?;
            if end < start || end > values_end {
                return self.refuse(values_end + index * width, "an array with a wrong framing offset");
            }
            self.child(start, end)?.check(element)?;
            at = end;
        }
        Ok(())
    }

    fn tuple(self, members: &[&Type], whole: &Type) -> Result<(), NotNormal> {
        let total = self.bytes.len();
        let width = offset_width(total);
        let offsets = members.iter().rev().skip(1).filter(|member| member.fixed_size().is_none()).count();
        let Some(values_end) = total.checked_sub(offsets * width) else {
            return self.refuse(0, "a tuple that is too short for its framing offsets");
        };
        let mut at = 0;
        let mut next_offset = total;
        for (index, member) in members.iter().enumerate() {
            let start = self.padding(at, member.alignment())?;
            at = match member.fixed_size() {
                Some(size) => start.saturating_add(size),
                None if index + 1 == members.len() => values_end,
                None => {
                    next_offset = next_offset.saturating_sub(width);
                    self.framing(next_offset, width)?
                }
            };
            if at < start || at > values_end {
                return self.refuse(start, "a tuple member that ends outside of the tuple");
            }
            self.child(start, at)?.check(member)?;
        }
        if whole.fixed_size().is_some() {
            return self.zeros(at, total);
        }
        if at != values_end || container_size(values_end, offsets) != Some(total) {
            return self.refuse(at, "a tuple with wrong framing offsets");
        }
        Ok(())
    }

    /// Skips to the next multiple of `alignment`; what is skipped must be zero.
    fn padding(&self, at: usize, alignment: usize) -> Result<usize, NotNormal> {
        let start = at.next_multiple_of(alignment);
        self.zeros(at, start).map(|()| start)
    }

    fn zeros(&self, from: usize, to: usize) -> Result<(), NotNormal> {
        match self.bytes.get(from..to) {
            Some(padding) if padding.iter().all(|&b| b == 0) => Ok(()),
            Some(_) => self.refuse(from, "padding that is not zero"),
            None => self.refuse(from, "padding that ends outside of its container"),
        }
    }

    /// The little-endian framing offset of `width` bytes at `at`.
    fn framing(&self, at: usize, width: usize) -> Result<usize, NotNormal> {
        match offset(self.bytes, at, width) {
            Some(offset) => Ok(offset),
            None => self.refuse(at, "a missing framing offset"),
        }
    }
}

/// Whether `text` is a valid D-Bus object path.
pub(super) fn is_object_path(text: &str) -> bool {
    text == "/"
        || text.strip_prefix('/').is_some_and(|rest| {
            rest.split('/').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        })
}

/// Whether `text` is a sequence of definite types.
pub(super) fn is_signature(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        match Type::parse_prefix(rest, 0) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(type_string: &str, bytes: &[u8]) -> Option<usize> {
        check(&Type::parse(type_string).unwrap(), bytes).err().map(|problem| problem.offset)
    }

    #[test]
    fn normal_values_pass() {
        assert_eq!(verdict("(a(say)a(sayay))", &[0]), None);
        assert_eq!(verdict("as", &[]), None);
        assert_eq!(verdict("as", b"ab\0\x03"), None);
        assert_eq!(verdict("v", b"\x05\0\0\0\0u"), None);
        assert_eq!(verdict("(yu)", &[1, 0, 0, 0, 2, 0, 0, 0]), None);
        assert_eq!(verdict("ms", b"a\0\0"), None);
        assert_eq!(verdict("()", &[0]), None);
    }

    #[test]
    fn others_are_refused_where_they_go_wrong() {
        assert_eq!(verdict("s", b"ab"), Some(1));
        assert_eq!(verdict("s", b"a\0b\0"), Some(1));
        assert_eq!(verdict("s", b"a\xff\0"), Some(1));
        assert_eq!(verdict("b", &[2]), Some(0));
        assert_eq!(verdict("(yu)", &[1, 0, 9, 0, 2, 0, 0, 0]), Some(1));
        assert_eq!(verdict("as", b"ab\0\x04"), Some(3));
        assert_eq!(verdict("as", b"ab\0\x09"), Some(3));
        assert_eq!(verdict("au", &[0, 0, 0]), Some(3));
        assert_eq!(verdict("v", b"\x02\0b"), Some(0));
        assert_eq!(verdict("v", b"\x02\0zz"), Some(1));
        assert_eq!(verdict("(a(say)a(sayay))", &[1]), Some(0));
        assert_eq!(verdict("(a(say)a(sayay))", &[]), Some(0));
    }

    #[test]
    fn deep_variants_end() {
        let mut bytes = vec![0, b'y'];
        for _ in 0..1000 {
            bytes.extend_from_slice(b"\0v");
        }
        bytes.insert(0, 1);
        assert!(verdict("v", &bytes).is_some());
    }
}
