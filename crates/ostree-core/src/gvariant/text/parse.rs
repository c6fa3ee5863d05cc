//! Parsing the GVariant text format.

use crate::gvariant::text::ast::{Ast, Node, ParseError, Place};
use crate::gvariant::text::build::resolve;
use crate::gvariant::text::token::Tokens;
use crate::gvariant::types::Type;
use crate::gvariant::value::Value;
use crate::limits::MAX_GVARIANT_DEPTH;

/// The value that `text` stands for. Types are inferred as GLib infers them (`5` is an `i`, `uint32 5` a `u`, `@as []`
/// an empty `as`); a type that cannot be inferred is an error.
pub fn parse(text: &str) -> Result<Value, ParseError> {
    // No string of a value can hold one, and GLib's texts end at it.
    if let Some(start) = text.find('\0') {
        return Place { start, end: start + 1 }.error("a NUL in the text");
    }
    let mut tokens = Tokens::new(text);
    let ast = value(&mut tokens, MAX_GVARIANT_DEPTH)?;
    if tokens.peek().1.is_empty() { resolve(&ast) } else { tokens.missing("expected end of input") }
}

fn value(tokens: &mut Tokens<'_>, depth: usize) -> Result<Ast, ParseError> {
    let (place, token) = tokens.peek();
    let Some(depth) = depth.checked_sub(1) else {
        return place.error("variant nested too deeply");
    };
    let first = token.bytes().next();
    let node = match (token, first) {
        ("[", _) => array(tokens, depth)?,
        ("(", _) => tuple(tokens, depth)?,
        ("<", _) => variant(tokens, depth)?,
        ("{", _) => dictionary(tokens, depth)?,
        ("true" | "false", _) => Node::Boolean(tokens.next().1 == "true"),
        ("inf" | "nan", _) | (_, Some(b'0'..=b'9' | b'-' | b'+' | b'.')) => Node::Number(tokens.next().1.to_owned()),
        ("nothing", _) => {
            tokens.next();
            Node::Maybe(None)
        }
        ("just", _) => {
            tokens.next();
            Node::Maybe(Some(Box::new(value(tokens, depth)?)))
        }
        (_, Some(b'\'' | b'"')) => Node::Text(unescape_text(place, token)?),
        (_, Some(b'b')) if token.contains(['\'', '"']) => Node::Bytes(unescape_bytes(place, token)?),
        (_, Some(b'@')) => declared(tokens, depth)?,
        (_, Some(b'a'..=b'z')) if token.len() > 1 => keyword(tokens, depth)?,
        _ => return tokens.missing("expected value"),
    };
    if matches!(node, Node::Text(_) | Node::Bytes(_)) {
        tokens.next();
    }
    Ok(Ast { place: tokens.since(place.start), node })
}

fn array(tokens: &mut Tokens<'_>, depth: usize) -> Result<Node, ParseError> {
    tokens.next();
    let mut values = Vec::new();
    while !tokens.take("]") {
        if !values.is_empty() {
            tokens.require(",", " or ']' to follow array element")?;
        }
        values.push(value(tokens, depth)?);
    }
    Ok(Node::Array(values))
}

fn tuple(tokens: &mut Tokens<'_>, depth: usize) -> Result<Node, ParseError> {
    tokens.next();
    let mut members = Vec::new();
    while !tokens.take(")") {
        // The comma after the first member is always there, so it is taken with the member.
        if members.len() > 1 {
            tokens.require(",", " or ')' to follow tuple element")?;
        }
        members.push(value(tokens, depth)?);
        if members.len() == 1 {
            tokens.require(",", " after first tuple element")?;
        }
    }
    Ok(Node::Tuple(members))
}

fn variant(tokens: &mut Tokens<'_>, depth: usize) -> Result<Node, ParseError> {
    tokens.next();
    let inner = value(tokens, depth)?;
    tokens.require(">", " to follow variant value")?;
    resolve(&inner).map(Node::Variant)
}

fn dictionary(tokens: &mut Tokens<'_>, depth: usize) -> Result<Node, ParseError> {
    tokens.next();
    let mut entries = Vec::new();
    while !tokens.take("}") {
        if !entries.is_empty() {
            tokens.require(",", " or '}' to follow dictionary entry")?;
        }
        let key = value(tokens, depth)?;
        if entries.is_empty() && tokens.take(",") {
            let content = value(tokens, depth)?;
            tokens.require("}", " at end of dictionary entry")?;
            return Ok(Node::Entry(Box::new(key), Box::new(content)));
        }
        let purpose = if entries.is_empty() { " or ',' to follow dictionary entry key" } else { " to follow key" };
        tokens.require(":", purpose)?;
        entries.push((key, value(tokens, depth)?));
    }
    Ok(Node::Dict(entries))
}

fn declared(tokens: &mut Tokens<'_>, depth: usize) -> Result<Node, ParseError> {
    let (place, token) = tokens.next();
    let text = token.strip_prefix('@').unwrap_or(token);
    let Some(wanted) = Type::parse(text) else {
        let indefinite = text.contains(['*', '?', 'r']) && Type::parse(&text.replace(['*', '?', 'r'], "y")).is_some();
        let reason = if indefinite { "type declarations must be definite" } else { "invalid type declaration" };
        return place.error(reason);
    };
    Ok(Node::Typed(wanted, Box::new(value(tokens, depth)?)))
}

fn keyword(tokens: &mut Tokens<'_>, depth: usize) -> Result<Node, ParseError> {
    let (place, token) = tokens.next();
    let wanted = match token {
        "boolean" => Type::Boolean,
        "byte" => Type::Byte,
        "int16" => Type::Int16,
        "uint16" => Type::Uint16,
        "int32" => Type::Int32,
        "handle" => Type::Handle,
        "uint32" => Type::Uint32,
        "int64" => Type::Int64,
        "uint64" => Type::Uint64,
        "double" => Type::Double,
        "string" => Type::String,
        "objectpath" => Type::ObjectPath,
        "signature" => Type::Signature,
        _ => return place.error("unknown keyword"),
    };
    Ok(Node::Typed(wanted, Box::new(value(tokens, depth)?)))
}

/// What stands between the quotes of `token`, which is at `place`.
fn unquote(place: Place, token: &str) -> Result<&str, ParseError> {
    let quoted = token.strip_prefix('b').unwrap_or(token);
    let mut quotes = quoted.chars();
    let quote = quotes.next().unwrap_or('\'');
    let body = quotes.as_str();
    let inner = body.strip_suffix(quote);
    // A closing quote after an odd number of backslashes is part of the text.
    let is_closed = |inner: &&str| (inner.len() - inner.trim_end_matches('\\').len()).is_multiple_of(2);
    inner.filter(is_closed).map_or_else(|| place.error("unterminated string constant"), Ok)
}

fn unescape_text(place: Place, token: &str) -> Result<String, ParseError> {
    let inner = unquote(place, token)?;
    let mut out = String::new();
    let mut chars = inner.char_indices();
    while let Some((_, c)) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some((at, escaped)) = chars.next() else { break };
        match escaped {
            'u' | 'U' => {
                let digits = if escaped == 'u' { 4 } else { 8 };
                // One byte of quote before the inner text, one of `u`.
                let start = place.start + 1 + at + 1;
                let code = inner.get(at + 1..at + 1 + digits);
                let good = inner.get(at + 1..).unwrap_or_default().bytes().take(digits);
                let end = start + good.take_while(u8::is_ascii_hexdigit).count();
                let decoded = code.and_then(|code| u32::from_str_radix(code, 16).ok());
                match decoded.and_then(char::from_u32).filter(|c| *c != '\0') {
                    Some(c) => out.push(c),
                    None => {
                        let reason = format!("invalid {digits}-character unicode escape");
                        return Place { start, end }.error(reason);
                    }
                }
                chars = inner.char_indices();
                chars.by_ref().take_while(|(index, _)| *index < at + digits).for_each(drop);
            }
            '\n' => {}
            other => out.push(control(other).unwrap_or(other)),
        }
    }
    Ok(out)
}

fn control(escaped: char) -> Option<char> {
    Some(match escaped {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        _ => return None,
    })
}

/// The bytes of a byte string with a final NUL. They end early where a NUL is written in them.
fn unescape_bytes(place: Place, token: &str) -> Result<Vec<u8>, ParseError> {
    let inner = unquote(place, token)?;
    let mut out = Vec::new();
    let mut bytes = inner.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(first @ b'0'..=b'7') => {
                let mut code = u32::from(first - b'0');
                for _ in 0..2 {
                    match bytes.next_if(|byte| matches!(byte, b'0'..=b'7')) {
                        Some(digit) => code = code * 8 + u32::from(digit - b'0'),
                        None => break,
                    }
                }
                // Three octal digits hold nine bits; C keeps the lower eight.
                out.push(u8::try_from(code & 0xff).unwrap_or_default());
            }
            Some(b'\n') | None => {}
            Some(other) => out.push(control(char::from(other)).and_then(|c| u8::try_from(c).ok()).unwrap_or(other)),
        }
    }
    out.truncate(out.iter().position(|&byte| byte == 0).unwrap_or(out.len()));
    out.push(0);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gvariant::text::print;

    /// Each line: a text, a tab, and what the real program prints for it, or `!` and its error.
    const REFERENCE: &str = include_str!("reference.txt");

    #[test]
    fn as_the_real_program_reads_and_prints_them() {
        for line in REFERENCE.lines() {
            let (text, expect) = line.split_once('\t').unwrap();
            let ours = match parse(text) {
                Ok(value) => {
                    let kind = value.value_type().to_string();
                    assert_eq!(Value::decode(&kind, &value.encode()).map(|v| print(&v, true)), Ok(print(&value, true)));
                    print(&value, true)
                }
                Err(problem) => format!("!{problem}"),
            };
            assert_eq!(ours, expect, "{text}");
        }
    }

    #[test]
    fn a_nul_is_refused_where_it_stands() {
        for text in ["'a\0b'", "b'a\0'", "1\0", "\0"] {
            assert_eq!(parse(text).unwrap_err().place.start, text.find('\0').unwrap());
        }
        assert!(parse("'\\u0000'").is_err());
    }

    #[test]
    fn depth_is_bounded() {
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&"<".repeat(100_000)).is_err());
        assert!(parse(&"@i ".repeat(100_000)).is_err());
        assert!(parse(&"just ".repeat(100_000)).is_err());
    }

    #[test]
    fn odd_texts_are_errors() {
        for text in ["'\\", "b'\\", "'\\u12", "é", "@é 1", "'\\ud800'", "-", "b'"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("'a\\\nb'"), Ok(Value::String("ab".into())));
    }
}
