//! What is known of one signature.

use std::fmt;

use crate::openpgp::fingerprint::{Fingerprint, KeyId};
use crate::openpgp::user_id::UserId;

/// What a signature is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is what it seems: a usable key of the keyring made it over these bytes.
    Good,
    /// No key of the keyring can have made it.
    KeyMissing,
    /// A key of the keyring made it, which expired.
    KeyExpired,
    /// A key of the keyring made it, which was revoked.
    KeyRevoked,
    /// A key of the keyring made it, and it was not to hold as long as until now.
    SignatureExpired,
    /// It, or the key that made it, is of the future.
    NotYetValid,
    /// A key of the keyring made it in a way that is not to be relied on any more. Says why.
    Weak(String),
    /// A key of the keyring is named in it that may not make such signatures, or is not bound to its owner. Says why.
    KeyUnusable(String),
    /// It is of a kind that is not known here. Says which.
    Unsupported(String),
    /// It is not over these bytes, or no signature at all.
    Bad,
}

impl Outcome {
    /// Whether the signature may be relied on.
    pub fn is_good(&self) -> bool {
        *self == Self::Good
    }

    /// How much is known of the signature: of two verdicts by two keys the one with more of it counts.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Good => 9,
            Self::SignatureExpired => 8,
            Self::NotYetValid => 7,
            Self::KeyExpired => 6,
            Self::KeyRevoked => 5,
            Self::Weak(_) => 4,
            Self::KeyUnusable(_) => 3,
            Self::Bad => 2,
            Self::Unsupported(_) => 1,
            Self::KeyMissing => 0,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => write!(f, "good signature"),
            Self::KeyMissing => write!(f, "public key not found"),
            Self::KeyExpired => write!(f, "the key has expired"),
            Self::KeyRevoked => write!(f, "the key was revoked"),
            Self::SignatureExpired => write!(f, "the signature has expired"),
            Self::NotYetValid => write!(f, "the signature is not valid yet"),
            Self::Weak(why) => write!(f, "the signature is too weak: {why}"),
            Self::KeyUnusable(why) => write!(f, "the key cannot be used: {why}"),
            Self::Unsupported(what) => write!(f, "unsupported signature: {what}"),
            Self::Bad => write!(f, "bad signature"),
        }
    }
}

/// One signature and what the keyring says about it. Times are in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureReport {
    /// What it is worth.
    pub outcome: Outcome,
    /// The key that it names as its maker, or that of the keyring that it means; a subkey's own fingerprint.
    pub fingerprint: Option<Fingerprint>,
    /// The short name of that key; `None` if the signature names none.
    pub key_id: Option<KeyId>,
    /// The primary key that the key belongs to, where it is in the keyring.
    pub primary: Option<Fingerprint>,
    /// The user ids of the key, the primary one first; empty where the key is missing.
    pub user_ids: Vec<UserId>,
    /// When the signature says that it was made.
    pub created: Option<u64>,
    /// Until when the signature is to hold, if it is not for ever.
    pub expires: Option<u64>,
    /// When the key expires, if it does and is in the keyring.
    pub key_expires: Option<u64>,
    /// When the primary key expires, if it does and is in the keyring.
    pub primary_expires: Option<u64>,
    /// The algorithm of the key in GnuPG's words, such as `RSA` and `EdDSA`.
    pub key_algorithm: String,
    /// The hash algorithm, such as `SHA256`.
    pub hash_algorithm: String,
}

impl SignatureReport {
    /// A signature that cannot be read.
    pub(super) fn unreadable(outcome: Outcome) -> Self {
        Self {
            outcome,
            fingerprint: None,
            key_id: None,
            primary: None,
            user_ids: Vec::new(),
            created: None,
            expires: None,
            key_expires: None,
            primary_expires: None,
            key_algorithm: "[unknown name]".to_owned(),
            hash_algorithm: "[unknown name]".to_owned(),
        }
    }

    /// The key's name as far as it is known, or `?`.
    pub fn key_name(&self) -> String {
        match (&self.fingerprint, &self.key_id) {
            (Some(fingerprint), _) => fingerprint.to_string(),
            (None, Some(id)) => id.to_string(),
            (None, None) => "?".to_owned(),
        }
    }
}
