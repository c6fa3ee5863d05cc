//! Takes comments and literals out of Rust text, byte for byte in place, so that rules can look at code alone.

/// A string literal as it stands in the source, without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// Its text; escapes are left as written.
    pub text: String,
}

/// Rust text in which only code is left.
#[derive(Debug)]
pub struct Masked {
    /// As long as the text; comments and the insides of literals are blanks, line ends stay.
    pub code: String,
    /// The string literals in order.
    pub literals: Vec<Literal>,
}

/// Masks `text`. Text that is no Rust gives some result, never a failure.
pub fn mask(text: &str) -> Masked {
    let mut scanner = Scanner { text: text.as_bytes(), at: 0, line: 1, code: Vec::new(), literals: Vec::new() };
    while scanner.at < scanner.text.len() {
        scanner.step();
    }
    Masked { code: String::from_utf8_lossy(&scanner.code).into_owned(), literals: scanner.literals }
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
    code: Vec<u8>,
    literals: Vec<Literal>,
}

impl Scanner<'_> {
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        if rest.starts_with(b"//") {
            self.blank_while(|byte| byte != b'\n');
        } else if rest.starts_with(b"/*") {
            self.block_comment();
        } else if let Some((prefix, hashes)) = self.raw_string_ahead() {
            self.raw_string(prefix, hashes);
        } else if rest[0] == b'"' {
            self.string();
        } else if rest[0] == b'\'' {
            self.quote();
        } else {
            self.keep();
        }
    }

    fn keep(&mut self) {
        self.push(self.text[self.at]);
    }

    fn blank(&mut self) {
        let byte = self.text[self.at];
        self.push(if byte == b'\n' { byte } else { b' ' });
    }

    fn push(&mut self, byte: u8) {
        self.line += usize::from(byte == b'\n');
        self.code.push(byte);
        self.at += 1;
    }

    fn blank_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.text.get(self.at).is_some_and(|byte| wanted(*byte)) {
            self.blank();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            if rest.starts_with(b"/*") {
                depth += 1;
                self.blank();
            } else if rest.starts_with(b"*/") {
                depth -= 1;
                self.blank();
            }
            self.blank();
            if depth == 0 {
                return;
            }
        }
    }

    /// The length up to the opening quote and the number of `#`, when a raw string begins here.
    fn raw_string_ahead(&self) -> Option<(usize, usize)> {
        if self.at > 0 && is_word(self.text[self.at - 1]) {
            return None;
        }
        let rest = &self.text[self.at..];
        let letters = [&b"br"[..], b"cr", b"r"].into_iter().find(|letters| rest.starts_with(letters))?.len();
        let hashes = rest[letters..].iter().take_while(|byte| **byte == b'#').count();
        (rest.get(letters + hashes) == Some(&b'"')).then_some((letters + hashes, hashes))
    }

    fn raw_string(&mut self, prefix: usize, hashes: usize) {
        let line = self.line;
        for _ in 0..=prefix {
            self.keep();
        }
        let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
        let start = self.at;
        while self.at < self.text.len() && !self.text[self.at..].starts_with(&end) {
            self.blank();
        }
        self.literal(line, start);
        for _ in 0..end.len().min(self.text.len() - self.at) {
            self.keep();
        }
    }

    fn string(&mut self) {
        let line = self.line;
        self.keep();
        let start = self.at;
        self.blank_to_quote(b'"');
        self.literal(line, start);
        if self.at < self.text.len() {
            self.keep();
        }
    }

    fn literal(&mut self, line: usize, start: usize) {
        let text = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        self.literals.push(Literal { line, text });
    }

    fn blank_to_quote(&mut self, quote: u8) {
        while self.text.get(self.at).is_some_and(|byte| *byte != quote) {
            if self.text[self.at] == b'\\' && self.at + 1 < self.text.len() {
                self.blank();
            }
            self.blank();
        }
    }

    /// A character literal is blanked, a lifetime kept.
    fn quote(&mut self) {
        let rest = &self.text[self.at + 1..];
        let width = match rest.first() {
            Some(0xC0..=0xDF) => 2,
            Some(0xE0..=0xEF) => 3,
            Some(0xF0..) => 4,
            _ => 1,
        };
        self.keep();
        if rest.first() == Some(&b'\\') || rest.get(width) == Some(&b'\'') {
            self.blank_first_of_char();
            self.blank_to_quote(b'\'');
            if self.at < self.text.len() {
                self.keep();
            }
        }
    }

    /// The character itself may be a quote (`'\''` and `'"'` are cared for by the escape and by its width).
    fn blank_first_of_char(&mut self) {
        if self.text.get(self.at) == Some(&b'\\') {
            self.blank();
        }
        if self.at < self.text.len() {
            self.blank();
        }
    }
}

/// Whether `byte` can be part of an identifier.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &str) {
        assert_eq!(mask(text).code, code, "of {text}");
    }

    #[test]
    fn comments_go_and_lines_stay() {
        check("a // unwrap()\nb", "a            \nb");
        check("a /* x /* y */\n z */ b", "a             \n      b");
    }

    #[test]
    fn insides_of_literals_go() {
        check(r#"f("a\"b", 'c', '\'', '"', '\u{41}')"#, r#"f("    ", ' ', '  ', ' ', '      ')"#);
        check(r##"r#"a"b"# b"x" br"y""##, r##"r#"   "# b" " br" ""##);
        check("for_r\"x\"", "for_r\" \"");
    }

    #[test]
    fn lifetimes_are_no_characters() {
        check("fn f<'a>(x: &'a str, y: &'static u8)", "fn f<'a>(x: &'a str, y: &'static u8)");
    }

    #[test]
    fn literals_are_kept_with_their_lines() {
        let found = mask("x(\n\"one\", r\"two\")").literals;
        let one = Literal { line: 2, text: "one".into() };
        assert_eq!(found, [one, Literal { line: 2, text: "two".into() }]);
    }
}
