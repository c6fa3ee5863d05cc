//! Cutting a text in the GVariant text format into its tokens.

use crate::gvariant::text::ast::{ParseError, Place};

/// The rest of a text that is being parsed.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Where the next token is, and the token; an empty one at the end.
    pub(super) fn peek(&self) -> (Place, &'a str) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let token_text = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b');
        let start = self.at + (rest.len() - token_text.len());
        let length = token_length(token_text);
        (Place { start, end: start + length }, token_text.get(..length).unwrap_or(token_text))
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> (Place, &'a str) {
        let (place, token) = self.peek();
        self.at = place.end;
        (place, token)
    }

    /// Takes the next token if it is `wanted`.
    pub(super) fn take(&mut self, wanted: &str) -> bool {
        let (place, token) = self.peek();
        if token == wanted {
            self.at = place.end;
        }
        token == wanted
    }

    /// Takes the token `wanted`; `purpose` tells what it was needed for.
    pub(super) fn require(&mut self, wanted: &str, purpose: &str) -> Result<(), ParseError> {
        if self.take(wanted) { Ok(()) } else { self.missing(format!("expected '{wanted}'{purpose}")) }
    }

    /// The error that something is missing before the next token.
    pub(super) fn missing<T>(&self, reason: impl Into<String>) -> Result<T, ParseError> {
        let start = self.peek().0.start;
        Place { start, end: start }.error(reason)
    }

    /// The place from `start` to the end of the last token that was taken.
    pub(super) fn since(&self, start: usize) -> Place {
        Place { start, end: self.at }
    }
}

fn token_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let run = |accept: fn(u8) -> bool| bytes.iter().take_while(|&&byte| accept(byte)).count();
    match (bytes.first(), bytes.get(1)) {
        (None, _) => 0,
        (Some(b'-' | b'+' | b'.' | b'0'..=b'9'), _) => {
            run(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.'))
        }
        (Some(b'b'), Some(&quote @ (b'\'' | b'"'))) => 2 + quoted_length(bytes, 2, quote),
        (Some(b'a'..=b'z'), _) => run(|byte| byte.is_ascii_alphanumeric()),
        (Some(&quote @ (b'\'' | b'"')), _) => 1 + quoted_length(bytes, 1, quote),
        (Some(b'@'), _) => declaration_length(bytes),
        (Some(_), _) => text.chars().next().map_or(0, char::len_utf8),
    }
}

/// The length from byte `from` to the end of the closing quote, or of everything if there is none.
fn quoted_length(bytes: &[u8], from: usize, quote: u8) -> usize {
    let mut escaped = false;
    for (index, &byte) in bytes.iter().skip(from).enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            byte if byte == quote => return index + 1,
            _ => {}
        }
    }
    bytes.len().saturating_sub(from)
}

/// A type declaration ends before a space, a comma, a colon or a bracket that closes something outside of it.
fn declaration_length(bytes: &[u8]) -> usize {
    let mut open = 0usize;
    for (index, &byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            b',' | b':' | b'>' | b']' => return index,
            byte if byte.is_ascii_whitespace() => return index,
            b'(' | b'{' => open += 1,
            b')' | b'}' => match open.checked_sub(1) {
                Some(left) => open = left,
                None => return index,
            },
            _ => {}
        }
    }
    bytes.len()
}
