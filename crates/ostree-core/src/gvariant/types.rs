//! GVariant type strings as trees.

use crate::limits::MAX_GVARIANT_DEPTH;

/// A definite GVariant type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `b`
    Boolean,
    /// `y`
    Byte,
    /// `n`
    Int16,
    /// `q`
    Uint16,
    /// `i`
    Int32,
    /// `u`
    Uint32,
    /// `x`
    Int64,
    /// `t`
    Uint64,
    /// `h`
    Handle,
    /// `d`
    Double,
    /// `s`
    String,
    /// `o`
    ObjectPath,
    /// `g`
    Signature,
    /// `v`
    Variant,
    /// `m` and its element
    Maybe(Box<Type>),
    /// `a` and its element
    Array(Box<Type>),
    /// `(…)`
    Tuple(Vec<Type>),
    /// `{kv}`
    DictEntry(Box<Type>, Box<Type>),
}

impl Type {
    /// Parses a type string that holds exactly one definite type.
    pub fn parse(text: &str) -> Option<Self> {
        let (parsed, rest) = Self::parse_prefix(text, 0)?;
        rest.is_empty().then_some(parsed)
    }

    /// Parses the first definite type of `text` and gives what follows it.
    pub fn parse_prefix(text: &str, depth: usize) -> Option<(Self, &str)> {
        if depth > MAX_GVARIANT_DEPTH {
            return None;
        }
        let first = text.chars().next()?;
        let rest = text.get(first.len_utf8()..)?;
        let simple = match first {
            'b' => Self::Boolean,
            'y' => Self::Byte,
            'n' => Self::Int16,
            'q' => Self::Uint16,
            'i' => Self::Int32,
            'u' => Self::Uint32,
            'x' => Self::Int64,
            't' => Self::Uint64,
            'h' => Self::Handle,
            'd' => Self::Double,
            's' => Self::String,
            'o' => Self::ObjectPath,
            'g' => Self::Signature,
            'v' => Self::Variant,
            'm' | 'a' => {
                let (element, rest) = Self::parse_prefix(rest, depth + 1)?;
                let element = Box::new(element);
                return Some((if first == 'm' { Self::Maybe(element) } else { Self::Array(element) }, rest));
            }
            '(' => return Self::parse_tuple(rest, depth + 1),
            '{' => {
                let (key, rest) = Self::parse_prefix(rest, depth + 1)?;
                let (value, rest) = Self::parse_prefix(rest, depth + 1)?;
                let rest = rest.strip_prefix('}')?;
                return key.is_basic().then(|| (Self::DictEntry(Box::new(key), Box::new(value)), rest));
            }
            _ => return None,
        };
        Some((simple, rest))
    }

    fn parse_tuple(mut rest: &str, depth: usize) -> Option<(Self, &str)> {
        let mut members = Vec::new();
        loop {
            if let Some(rest) = rest.strip_prefix(')') {
                return Some((Self::Tuple(members), rest));
            }
            let (member, after) = Self::parse_prefix(rest, depth)?;
            members.push(member);
            rest = after;
        }
    }

    /// Whether the type is a number, boolean or string, and so may be a dictionary key.
    pub fn is_basic(&self) -> bool {
        !matches!(self, Self::Variant | Self::Maybe(_) | Self::Array(_) | Self::Tuple(_) | Self::DictEntry(..))
    }

    /// The alignment of a value in bytes: 1, 2, 4 or 8.
    pub fn alignment(&self) -> usize {
        match self {
            Self::Boolean | Self::Byte | Self::String | Self::ObjectPath | Self::Signature => 1,
            Self::Int16 | Self::Uint16 => 2,
            Self::Int32 | Self::Uint32 | Self::Handle => 4,
            Self::Int64 | Self::Uint64 | Self::Double | Self::Variant => 8,
            Self::Maybe(element) | Self::Array(element) => element.alignment(),
            Self::Tuple(members) => members.iter().map(Self::alignment).max().unwrap_or(1),
            Self::DictEntry(key, value) => key.alignment().max(value.alignment()),
        }
    }

    /// The size of every value in bytes, if all values have the same.
    pub fn fixed_size(&self) -> Option<usize> {
        match self {
            Self::Boolean | Self::Byte => Some(1),
            Self::Int16 | Self::Uint16 => Some(2),
            Self::Int32 | Self::Uint32 | Self::Handle => Some(4),
            Self::Int64 | Self::Uint64 | Self::Double => Some(8),
            Self::Tuple(members) => Self::fixed_tuple(&mut members.iter(), self.alignment()),
            Self::DictEntry(key, value) => Self::fixed_tuple(&mut [&**key, &**value].into_iter(), self.alignment()),
            _ => None,
        }
    }

    fn fixed_tuple(members: &mut dyn Iterator<Item = &Self>, alignment: usize) -> Option<usize> {
        let mut size = 0usize;
        for member in members {
            size = size.next_multiple_of(member.alignment()) + member.fixed_size()?;
        }
        // The unit tuple is one zero byte.
        Some(size.next_multiple_of(alignment).max(1))
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let simple = match self {
            Self::Boolean => "b",
            Self::Byte => "y",
            Self::Int16 => "n",
            Self::Uint16 => "q",
            Self::Int32 => "i",
            Self::Uint32 => "u",
            Self::Int64 => "x",
            Self::Uint64 => "t",
            Self::Handle => "h",
            Self::Double => "d",
            Self::String => "s",
            Self::ObjectPath => "o",
            Self::Signature => "g",
            Self::Variant => "v",
            Self::Maybe(element) => return write!(f, "m{element}"),
            Self::Array(element) => return write!(f, "a{element}"),
            Self::Tuple(members) => {
                f.write_str("(")?;
                members.iter().try_for_each(|member| member.fmt(f))?;
                return f.write_str(")");
            }
            Self::DictEntry(key, value) => return write!(f, "{{{key}{value}}}"),
        };
        f.write_str(simple)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_parse_and_print() {
        for good in ["(a{sv}aya(say)sstayay)", "v", "()", "maas", "{sv}", "(ybnqiuxthdsogv)"] {
            assert_eq!(Type::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", "a", "(", "ss", "{vs}", "{s}", "z", "(s", "é"] {
            assert_eq!(Type::parse(bad), None, "{bad}");
        }
        assert_eq!(Type::parse("(yi)").unwrap().fixed_size(), Some(8));
        assert_eq!(Type::parse("()").unwrap().fixed_size(), Some(1));
        assert_eq!(Type::parse(&"a".repeat(1000)), None);
    }
}
