//! Patterns as libselinux hands them to PCRE2, written as the regex crates understand the same language.
//!
//! The two agree on most, and where they do not they differ silently: in classes (`[[]`, `[a&&b]`), in escapes (`\<`), in a
//! brace that counts nothing, which PCRE2 takes literally. So a pattern is read as PCRE2 reads it and written anew. PCRE2
//! sees bytes, a dot matches all of them, and `$` matches also before a newline at the end.

use crate::cursor::{Cursor, hex};
use crate::pattern_class::{byte_escape, class};

/// What the part just read is to a quantifier behind it.
#[derive(PartialEq)]
enum Last {
    Nothing,
    Atom,
    Quantifier,
}

/// The pattern for the regex crates, in ASCII, for bytes, not anchored. The reason if there is none: PCRE2 refuses the
/// pattern too, or it has what only a backtracking matcher can do, or anchors where no real policy has one.
pub fn translate(pattern: &[u8]) -> Result<String, String> {
    let mut out = String::new();
    let mut depth = 0u32;
    let mut last = Last::Nothing;
    let inner = pattern.strip_prefix(b"^").unwrap_or(pattern);
    let mut cursor = Cursor::new(without_end_anchor(inner));
    while let Some(byte) = cursor.next() {
        last = match byte {
            b'(' => {
                open(&mut cursor)?;
                out.push_str("(?:");
                depth += 1;
                Last::Nothing
            }
            b')' => {
                depth = depth.checked_sub(1).ok_or("an unmatched ')'")?;
                out.push(')');
                Last::Atom
            }
            b'|' if depth == 0 => return Err("'|' outside of parentheses".into()),
            b'|' => {
                out.push('|');
                Last::Nothing
            }
            b'^' | b'$' => return Err(format!("'{}' inside of a pattern", char::from(byte))),
            b'.' => {
                out.push('.');
                Last::Atom
            }
            b'[' => {
                out.push_str(&class(&mut cursor)?);
                Last::Atom
            }
            b'\\' => {
                out.push_str(&escape(&mut cursor)?);
                Last::Atom
            }
            b'*' | b'+' | b'?' => quantifier(&mut cursor, &mut out, &char::from(byte).to_string(), last)?,
            b'{' => match counted(cursor.rest()) {
                Some(count) => {
                    cursor.skip(count.len());
                    quantifier(&mut cursor, &mut out, &format!("{{{count}"), last)?
                }
                None => literal(&mut out, byte),
            },
            _ => literal(&mut out, byte),
        };
    }
    match depth {
        0 => Ok(out),
        _ => Err("an unmatched '('".into()),
    }
}

/// The anchor that libselinux adds behind one makes no difference.
fn without_end_anchor(pattern: &[u8]) -> &[u8] {
    let Some(before) = pattern.strip_suffix(b"$") else { return pattern };
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
    if backslashes % 2 == 0 { before } else { pattern }
}

/// What follows the parenthesis of a group.
fn open(cursor: &mut Cursor<'_>) -> Result<(), String> {
    match (cursor.rest(), cursor.peek()) {
        ([b'?', b':', ..], _) => cursor.skip(2),
        (_, Some(b'?' | b'*')) => return Err("a group that is more than a group (look-around, option or verb)".into()),
        _ => {}
    }
    Ok(())
}

fn quantifier(cursor: &mut Cursor<'_>, out: &mut String, text: &str, last: Last) -> Result<Last, String> {
    if last != Last::Atom {
        return Err(format!("'{text}' after nothing that can be repeated"));
    }
    out.push_str(text);
    match cursor.peek() {
        // Whether as much or as little as possible comes first makes no difference to a match of the whole.
        Some(b'?') => cursor.skip(1),
        Some(b'+') => return Err("a possessive quantifier".into()),
        _ => {}
    }
    Ok(Last::Quantifier)
}

/// `3}`, `3,}` or `3,4}` at the start of `rest`.
fn counted(rest: &[u8]) -> Option<&str> {
    let end = rest.iter().position(|byte| *byte == b'}')?;
    let (body, whole) = (rest.get(..end)?, rest.get(..=end)?);
    let (least, most) = match body.iter().position(|byte| *byte == b',') {
        Some(comma) => (body.get(..comma)?, body.get(comma + 1..)?),
        None => (body, &b""[..]),
    };
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    (!least.is_empty() && digits(least) && digits(most)).then(|| std::str::from_utf8(whole).ok())?
}

/// What stands behind a backslash, outside of a class.
fn escape(cursor: &mut Cursor<'_>) -> Result<String, String> {
    let byte = cursor.next().ok_or("a backslash at the end")?;
    match byte {
        b'd' | b'D' | b'w' | b'W' | b's' | b'S' => Ok(format!("\\{}", char::from(byte))),
        _ => byte_escape(byte).map(hex),
    }
}

fn literal(out: &mut String, byte: u8) -> Last {
    if byte.is_ascii_alphanumeric() || b"/_-".contains(&byte) {
        out.push(char::from(byte));
    } else {
        out.push_str(&hex(byte));
    }
    Last::Atom
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_understand_alike() {
        assert_eq!(translate(b"/usr/(.*/)?lib(/.*)?").unwrap(), "/usr/(?:.*/)?lib(?:/.*)?");
        assert_eq!(translate(b"/a\\.b\\+").unwrap(), "/a\\x2eb\\x2b");
        assert_eq!(translate(b"^/a[0-9]{2,}$").unwrap(), "/a[\\x30-\\x39]{2,}");
        assert_eq!(translate(b"/a\\$").unwrap(), "/a\\x24");
        assert_eq!(translate(b"(?:a|b)*?").unwrap(), "(?:a|b)*");
    }

    #[test]
    fn what_they_understand_differently() {
        assert_eq!(translate(b"/%{USERID}/{x").unwrap(), "/\\x25\\x7bUSERID\\x7d/\\x7bx");
        assert_eq!(translate(b"a{,3}").unwrap(), "a\\x7b\\x2c3\\x7d");
        assert_eq!(translate(b"\\<a\\>").unwrap(), "\\x3ca\\x3e");
        assert_eq!(translate(b"[[a&&b]").unwrap(), "[\\x5b\\x61\\x26\\x26\\x62]");
        assert_eq!(translate(b"\xc3\xa9]").unwrap(), "\\xc3\\xa9\\x5d");
    }

    #[test]
    fn what_cannot_be_used() {
        let bad = [
            "(?=a)b", "(a)\\1", "a|b", "a^b", "a$b", "a++", "a**", "*a", "(*a)", "(a", "a)", "\\", "[a", "(?i)a", "\\Q",
        ];
        for pattern in bad {
            assert!(translate(pattern.as_bytes()).is_err(), "{pattern}");
        }
    }
}
