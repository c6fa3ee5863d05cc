//! Credentials, kept out of every message, log and debug output.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;

/// A text nobody prints.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Takes a secret in.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Gives it out, to be sent.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// The header `Bearer SECRET`, marked as sensitive; `None` when it has characters no header can have.
    pub(crate) fn bearer_header(&self) -> Option<HeaderValue> {
        sensitive(&format!("Bearer {}", self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// What a user has for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// A user name and a password.
    Basic {
        /// The user name; secret too, it is often an account number or an address.
        user: Secret,
        /// The password.
        password: Secret,
    },
    /// An identity token, to be changed into access tokens at the token server (OAuth 2 refresh token).
    Identity(Secret),
    /// An access token, to be shown to the registry as it is.
    Bearer(Secret),
}

impl Credential {
    /// A user name and a password.
    pub(crate) fn basic(user: &str, password: &str) -> Self {
        Self::Basic { user: Secret::new(user), password: Secret::new(password) }
    }

    /// What it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Basic { .. } => "user name and password",
            Self::Identity(_) => "identity token",
            Self::Bearer(_) => "registry token",
        }
    }

    /// The header `Basic …`, for those who have a password.
    pub(crate) fn basic_header(&self) -> Option<HeaderValue> {
        let Self::Basic { user, password } = self else { return None };
        sensitive(&format!("Basic {}", STANDARD.encode(format!("{}:{}", user.reveal(), password.reveal()))))
    }
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_printed() {
        let credential = Credential::basic("ann", "hunter2");
        let text = format!("{credential:?} {:?}", credential.basic_header());
        assert!(!text.contains("ann") && !text.contains("hunter2") && !text.contains("aHVudGVy"), "{text}");
        assert_eq!(credential.basic_header().unwrap().to_str().unwrap(), "Basic YW5uOmh1bnRlcjI=");
    }
}
