//! Character classes and escaped bytes of a pattern.

use std::fmt::Write as _;

use crate::cursor::{Cursor, hex};

/// The names that both PCRE2 and the regex crates have for sets of ASCII characters.
const NAMED: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// One part of a class.
enum Part {
    Byte(u8),
    /// A set in the form that the regex crates take.
    Set(String),
}

/// The class whose `[` has been read.
pub fn class(cursor: &mut Cursor<'_>) -> Result<String, String> {
    let mut out = String::from("[");
    if cursor.peek() == Some(b'^') {
        cursor.skip(1);
        out.push('^');
    }
    // A bracket in the first place is one like any other.
    let mut first = true;
    loop {
        let byte = cursor.next().ok_or("an unmatched '['")?;
        if byte == b']' && !first {
            out.push(']');
            return Ok(out);
        }
        first = false;
        match part(byte, cursor)? {
            Part::Set(set) => out.push_str(&set),
            Part::Byte(low) => byte_or_range(low, cursor, &mut out)?,
        }
    }
}

fn byte_or_range(low: u8, cursor: &mut Cursor<'_>, out: &mut String) -> Result<(), String> {
    out.push_str(&hex(low));
    match cursor.rest() {
        [b'-', next, ..] if *next != b']' => cursor.skip(1),
        _ => return Ok(()),
    }
    let byte = cursor.next().ok_or("an unmatched '['")?;
    match part(byte, cursor)? {
        Part::Byte(high) if high < low => return Err("a range that ends before it begins".into()),
        // Writing to a string cannot fail.
        Part::Byte(high) => drop(write!(out, "-{}", hex(high))),
        Part::Set(set) => drop(write!(out, "{}{set}", hex(b'-'))),
    }
    Ok(())
}

fn part(byte: u8, cursor: &mut Cursor<'_>) -> Result<Part, String> {
    match (byte, cursor.peek()) {
        (b'[', Some(b':')) => Ok(named(cursor).map_or(Part::Byte(byte), Part::Set)),
        (b'[', Some(b'.' | b'=')) => Err("a collating element".into()),
        (b'\\', _) => match cursor.next().ok_or("an unmatched '['")? {
            b'b' => Ok(Part::Byte(0x08)),
            set @ (b'd' | b'D' | b'w' | b'W' | b's' | b'S') => Ok(Part::Set(format!("\\{}", char::from(set)))),
            other => byte_escape(other).map(Part::Byte),
        },
        _ => Ok(Part::Byte(byte)),
    }
}

/// `:digit:]` and the like.
fn named(cursor: &mut Cursor<'_>) -> Option<String> {
    let found = NAMED.iter().flat_map(|name| [format!(":{name}:]"), format!(":^{name}:]")]);
    let text = found.into_iter().find(|text| cursor.rest().starts_with(text.as_bytes()))?;
    cursor.skip(text.len());
    Some(format!("[{text}"))
}

/// The byte that a backslash and `byte` stand for.
pub fn byte_escape(byte: u8) -> Result<u8, String> {
    match byte {
        b'n' => Ok(b'\n'),
        b't' => Ok(b'\t'),
        b'r' => Ok(b'\r'),
        b'f' => Ok(0x0c),
        b'a' => Ok(0x07),
        b'e' => Ok(0x1b),
        b'0'..=b'9' => Err(format!("the back-reference or number \\{}", char::from(byte))),
        _ if byte.is_ascii_alphabetic() => Err(format!("the escape \\{}", char::from(byte))),
        _ => Ok(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let class = |text: &str| class(&mut Cursor::new(text.as_bytes()));
        assert_eq!(class("]a]").unwrap(), "[\\x5d\\x61]");
        assert_eq!(class("^]a]").unwrap(), "[^\\x5d\\x61]");
        assert_eq!(class("a-c-]").unwrap(), "[\\x61-\\x63\\x2d]");
        assert_eq!(class("-\\d-x]").unwrap(), "[\\x2d\\d\\x2d\\x78]");
        assert_eq!(class("a-\\w]").unwrap(), "[\\x61\\x2d\\w]");
        assert_eq!(class("[:digit:][:x]").unwrap(), "[[:digit:]\\x5b\\x3a\\x78]");
        assert_eq!(class("\\]\\-z]").unwrap(), "[\\x5d\\x2d\\x7a]");
        for bad in ["", "a", "z-a]", "[.a.]]", "\\1]", "]"] {
            assert!(class(bad).is_err(), "{bad}");
        }
    }
}
