//! The texts that say whose a key is.

use sequoia_openpgp::types::HashAlgorithm;

use crate::openpgp::zbase32::zbase32;

/// A user id of a key: any text, by custom `NAME (COMMENT) <EMAIL>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserId {
    /// The whole text; bytes that are no UTF-8 and control characters are replaced.
    pub text: String,
    /// Whether the key's owner revoked it.
    pub is_revoked: bool,
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

    /// Where newer versions of the key may be found by the address: the advanced and the direct place of a web key
    /// directory. `None` if there is no address.
    pub fn update_urls(&self) -> Option<[String; 2]> {
        let (local, domain) =
            self.email().rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty())?;
        let domain = domain.to_ascii_lowercase();
        let mut context = HashAlgorithm::SHA1.context().ok()?.for_digest();
        context.update(local.to_ascii_lowercase().as_bytes());
        let name = zbase32(&context.into_digest().ok()?);
        let local: String = local.bytes().map(escaped).collect();
        Some([
            format!("https://openpgpkey.{domain}/.well-known/openpgpkey/{domain}/hu/{name}?l={local}"),
            format!("https://{domain}/.well-known/openpgpkey/hu/{name}?l={local}"),
        ])
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

/// A byte as it may stand in a query.
fn escaped(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let parts = |text: &str| {
            let id = UserId { text: text.into(), is_revoked: false };
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
    fn places_of_newer_versions() {
        let id = UserId { text: "Alice <alice@example.org>".into(), is_revoked: false };
        let [advanced, direct] = id.update_urls().unwrap();
        let name = "kei1q4tipxxu1yj79k9kfukdhfy631xe?l=alice";
        assert_eq!(advanced, format!("https://openpgpkey.example.org/.well-known/openpgpkey/example.org/hu/{name}"));
        assert_eq!(direct, format!("https://example.org/.well-known/openpgpkey/hu/{name}"));
        assert!(UserId { text: "Alice".into(), is_revoked: false }.update_urls().is_none());
    }

    #[test]
    fn lookups() {
        let id = UserId { text: "Alice <alice@example.org>".into(), is_revoked: false };
        for word in ["alice", "ALICE <", "<Alice@example.org>", "=Alice <alice@example.org>", "example.org"] {
            assert!(id.is_named(word), "{word}");
        }
        for word in ["", "bob", "<alice@example>", "=Alice"] {
            assert!(!id.is_named(word), "{word}");
        }
    }
}
