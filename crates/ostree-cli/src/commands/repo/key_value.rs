//! Values in key files as GLib escapes them.

/// A value as GLib writes it: leading blanks and control characters would not survive as they are.
pub fn escape(value: &str) -> String {
    let mut out = String::new();
    let mut leading = true;
    for c in value.chars() {
        match c {
            ' ' if leading => out.push_str("\\s"),
            '\t' if leading => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            other => {
                leading = false;
                out.push(other);
            }
        }
    }
    out
}

/// The text that a value in a key file stands for.
pub fn unescape(raw: &str) -> String {
    let mut out = String::new();
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('s') => out.push(' '),
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_key_file() {
        for text in ["a;b;", "  two blanks", "a\nb\\c", "\tx\ty", ""] {
            assert_eq!(unescape(&escape(text)), text);
        }
        assert_eq!(escape(" a b\\"), "\\sa b\\\\");
    }
}
