//! S-expressions as GnuPG keeps and sends keys: the canonical form (`3:rsa`), and the readable one of newer key files.

use crate::error::SignError;

/// How deeply lists may nest: keys have four levels.
const MAX_DEPTH: usize = 16;

/// A list, or bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sexp {
    List(Vec<Sexp>),
    Atom(Vec<u8>),
}

impl Sexp {
    /// Reads one expression; what follows it is ignored.
    pub(super) fn parse(what: &str, bytes: &[u8]) -> Result<Self, SignError> {
        let mut reader = Reader { bytes, at: 0 };
        reader.skip_space();
        reader.value(0).ok_or_else(|| SignError::malformed(what, format!("no S-expression at offset {}", reader.at)))
    }

    /// The word that a list begins with.
    pub(super) fn head(&self) -> Option<&[u8]> {
        match self {
            Self::List(items) => items.first()?.as_atom(),
            Self::Atom(_) => None,
        }
    }

    /// The first list that begins with `head`, in this list or anywhere in it.
    pub(super) fn find(&self, head: &[u8]) -> Option<&Self> {
        if self.head() == Some(head) {
            return Some(self);
        }
        match self {
            Self::List(items) => items.iter().find_map(|item| item.find(head)),
            Self::Atom(_) => None,
        }
    }

    /// The bytes after the word `name` of a list anywhere in this one.
    pub(super) fn value(&self, name: &[u8]) -> Option<&[u8]> {
        match self.find(name)? {
            Self::List(items) => items.get(1)?.as_atom(),
            Self::Atom(_) => None,
        }
    }

    /// That value as a number: without the zeros before it.
    pub(super) fn number(&self, name: &[u8]) -> Option<&[u8]> {
        self.value(name).map(without_zeros)
    }

    fn as_atom(&self) -> Option<&[u8]> {
        match self {
            Self::Atom(bytes) => Some(bytes),
            Self::List(_) => None,
        }
    }
}

/// A big-endian number without the zeros before it.
pub(super) fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Option<Sexp> {
        match self.peek()? {
            b'(' if depth < MAX_DEPTH => {
                self.at += 1;
                self.list(depth)
            }
            b'#' => self.hex().map(Sexp::Atom),
            b'"' => self.quoted().map(Sexp::Atom),
            byte if byte.is_ascii_digit() => self.counted().map(Sexp::Atom),
            _ => self.word().map(Sexp::Atom),
        }
    }

    fn list(&mut self, depth: usize) -> Option<Sexp> {
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if self.peek()? == b')' {
                self.at += 1;
                return Some(Sexp::List(items));
            }
            items.push(self.value(depth + 1)?);
        }
    }

    /// `LENGTH:BYTES`, or a number as a word.
    fn counted(&mut self) -> Option<Vec<u8>> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = self.bytes.get(start..self.at)?;
        if self.peek() != Some(b':') {
            return Some(digits.to_vec());
        }
        let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let from = self.at + 1;
        let bytes = self.bytes.get(from..from.checked_add(length)?)?;
        self.at = from + length;
        Some(bytes.to_vec())
    }

    /// `#HEX#`, also over several lines.
    fn hex(&mut self) -> Option<Vec<u8>> {
        let rest = self.bytes.get(self.at + 1..)?;
        let length = rest.iter().position(|byte| *byte == b'#')?;
        self.at += length + 2;
        let digits = rest.get(..length)?.iter().filter(|byte| !byte.is_ascii_whitespace());
        let digits: Vec<u8> =
            digits.map(|byte| char::from(*byte).to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
        digits.chunks(2).map(|pair| <[u8; 2]>::try_from(pair).ok().map(|[high, low]| high << 4 | low)).collect()
    }

    fn quoted(&mut self) -> Option<Vec<u8>> {
        let rest = self.bytes.get(self.at + 1..)?;
        let length = rest.iter().position(|byte| *byte == b'"')?;
        self.at += length + 2;
        rest.get(..length).map(<[u8]>::to_vec)
    }

    fn word(&mut self) -> Option<Vec<u8>> {
        let rest = self.bytes.get(self.at..)?;
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'(' | b')' | b'#' | b'"');
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).filter(|word| !word.is_empty()).map(<[u8]>::to_vec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let canonical = Sexp::parse("x", b"(11:private-key(3:rsa(1:n2:\0A)(1:e1:\x03)))").unwrap();
        let readable = Sexp::parse("x", b" (private-key (rsa (n #00\n 41#)(e #03#)))\nmore").unwrap();
        assert_eq!(canonical, readable);
        assert_eq!(canonical.head(), Some(&b"private-key"[..]));
        assert_eq!(canonical.number(b"n"), Some(&b"A"[..]));
        assert_eq!(canonical.value(b"x"), None);
        let ecc = Sexp::parse("x", b"(ecc (curve \"NIST P-256\")(flags eddsa)(q 12))").unwrap();
        assert_eq!(ecc.value(b"curve"), Some(&b"NIST P-256"[..]));
        assert_eq!(ecc.value(b"q"), Some(&b"12"[..]));
    }

    #[test]
    fn what_is_none_is_refused() {
        let deep = [b"(".repeat(100_000), b")".repeat(100_000)].concat();
        for bad in [
            &b""[..],
            b"(",
            b"(3:ab)",
            b"(#1#)",
            b"(#xy#)",
            b"(#12)",
            b"(\"a)",
            b")",
            b"99999999999999999999999:a",
            &deep,
        ] {
            assert!(Sexp::parse("x", bad).is_err(), "{:?}", &bad[..bad.len().min(20)]);
        }
    }
}
