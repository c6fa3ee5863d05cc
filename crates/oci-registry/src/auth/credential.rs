//! Credentials, kept out of every message, log and debug output.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;

/// A text nobody prints. Passwords need not be UTF-8.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Vec<u8>);

impl Secret {
    /// Takes a secret in.
    pub(crate) fn new(text: impl Into<Vec<u8>>) -> Self {
        Self(text.into())
    }

    /// The same; `None` for an empty one.
    pub(crate) fn some(text: impl Into<Vec<u8>>) -> Option<Self> {
        Some(Self(text.into())).filter(|secret| !secret.0.is_empty())
    }

    /// Gives it out, to be sent as text.
    pub(crate) fn reveal(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The header `Bearer SECRET`, marked as sensitive; `None` when it has characters no header can have.
    pub(crate) fn bearer_header(&self) -> Option<HeaderValue> {
        sensitive(&format!("Bearer {}", std::str::from_utf8(&self.0).ok()?))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// A user name and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Login {
    /// The user name; secret too, it is often an account number or an address.
    user: Secret,
    password: Secret,
}

/// What a user has for a registry: at least one of these. A registry that knows only passwords is shown the password, also
/// where there is a token beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Credential {
    login: Option<Login>,
    /// To be changed into access tokens at the token server (OAuth 2 refresh token).
    identity: Option<Secret>,
    /// An access token, to be shown to the registry as it is.
    access: Option<Secret>,
}

impl Credential {
    /// A user name and a password, of which one may be empty; with two empty ones, nothing.
    pub(crate) fn login(user: impl Into<Vec<u8>>, password: impl Into<Vec<u8>>) -> Self {
        let login = Login { user: Secret::new(user), password: Secret::new(password) };
        let login = Some(login).filter(|login| !login.user.0.is_empty() || !login.password.0.is_empty());
        Self { login, ..Self::default() }
    }

    /// An identity token.
    pub(crate) fn identity(token: &str) -> Self {
        Self::default().with_tokens(token, "")
    }

    /// The same with an identity token and an access token, where these are not empty.
    pub(crate) fn with_tokens(self, identity: &str, access: &str) -> Self {
        Self { identity: Secret::some(identity), access: Secret::some(access), ..self }
    }

    /// Whether it is none at all.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// What it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self { access: Some(_), .. } => "registry token",
            Self { identity: Some(_), .. } => "identity token",
            _ => "user name and password",
        }
    }

    /// The token that is shown to a registry as it is.
    pub(crate) fn access(&self) -> Option<&Secret> {
        self.access.as_ref()
    }

    /// The token that a token server changes into others.
    pub(crate) fn refresh(&self) -> Option<&Secret> {
        self.identity.as_ref()
    }

    /// The user's name.
    pub(crate) fn user(&self) -> Option<&Secret> {
        self.login.as_ref().map(|login| &login.user)
    }

    /// The header `Basic …`, for those who have a password.
    pub(crate) fn basic_header(&self) -> Option<HeaderValue> {
        let Login { user, password } = self.login.as_ref()?;
        sensitive(&format!("Basic {}", STANDARD.encode([&user.0[..], b":", &password.0].concat())))
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
        let credential = Credential::login("ann", "hunter2");
        let text = format!("{credential:?} {:?}", credential.basic_header());
        assert!(!text.contains("ann") && !text.contains("hunter2") && !text.contains("aHVudGVy"), "{text}");
        assert_eq!(credential.basic_header().unwrap().to_str().unwrap(), "Basic YW5uOmh1bnRlcjI=");
    }

    #[test]
    fn a_password_need_not_be_utf8_and_stays_beside_a_token() {
        let credential = Credential::login("ann", b"p\xe4ss".to_vec()).with_tokens("idt", "");
        assert_eq!(credential.basic_header().unwrap().to_str().unwrap(), "Basic YW5uOnDkc3M=");
        assert_eq!(credential.kind(), "identity token");
        assert!(Credential::login("", "").is_nothing() && !Credential::login("", "x").is_nothing());
    }
}
