//! The texts that say whose a key is.

/// A user id of a key: any text, by custom `NAME (COMMENT) <EMAIL>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserId {
    /// The whole text; bytes that are no UTF-8 are replaced.
    pub text: String,
}

impl UserId {
    /// What stands before comment and address.
    pub fn name(&self) -> &str {
        let end = self.text.find('<').unwrap_or(self.text.len());
        let name = self.text.get(..end).unwrap_or_default();
        let name = match (name.find(" ("), name.trim_end().ends_with(')')) {
            (Some(at), true) => name.get(..at).unwrap_or_default(),
            _ => name,
        };
        // A text that is nothing but an address has no name.
        if end == self.text.len() && name.contains('@') && !name.contains(' ') { "" } else { name.trim() }
    }

    /// The address between the angle brackets, or the whole text where it looks like one; empty if there is none.
    pub fn email(&self) -> &str {
        match self.text.split_once('<') {
            Some((_, rest)) => rest.split_once('>').map_or("", |(email, _)| email),
            None if self.text.contains('@') && !self.text.contains(' ') => &self.text,
            None => "",
        }
    }

    /// Whether a word that names no key by its id means this user, as GnuPG looks it up: the whole text, `<EMAIL>` or
    /// an address exactly, otherwise any part of the text, in either case.
    pub fn is_named(&self, word: &str) -> bool {
        if let Some(email) = word.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
            return self.email().eq_ignore_ascii_case(email);
        }
        if let Some(whole) = word.strip_prefix('=') {
            return self.text == whole;
        }
        !word.is_empty() && self.text.to_lowercase().contains(&word.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let parts = |text: &str| {
            let id = UserId { text: text.into() };
            (id.name().to_owned(), id.email().to_owned())
        };
        let pair = |name: &str, email: &str| (name.to_owned(), email.to_owned());
        assert_eq!(parts("Alice <alice@example.org>"), pair("Alice", "alice@example.org"));
        assert_eq!(parts("Alice B (work) <a@b>"), pair("Alice B", "a@b"));
        assert_eq!(parts("a@b"), pair("", "a@b"));
        assert_eq!(parts("Only a name"), pair("Only a name", ""));
        assert_eq!(parts("<a@b>"), pair("", "a@b"));
        assert_eq!(parts("A <a@b"), pair("A", ""));
        assert_eq!(parts(""), pair("", ""));
    }

    #[test]
    fn lookups() {
        let id = UserId { text: "Alice <alice@example.org>".into() };
        for word in ["alice", "ALICE <", "<Alice@example.org>", "=Alice <alice@example.org>", "example.org"] {
            assert!(id.is_named(word), "{word}");
        }
        for word in ["", "bob", "<alice@example>", "=Alice"] {
            assert!(!id.is_named(word), "{word}");
        }
    }
}
