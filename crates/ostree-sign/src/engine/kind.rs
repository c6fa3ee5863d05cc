//! Which engines there are.

use std::fmt;
use std::str::FromStr;

use crate::keys;

/// The name of an engine that there is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Requested signature type is not implemented")]
pub struct UnknownEngine;

/// A kind of signature and key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Engine {
    /// Ed25519 with raw keys: public ones of 32 bytes, secret ones of 64 (seed and public key), signatures of 64.
    Ed25519,
    /// Any key that a `SubjectPublicKeyInfo` holds and that is known here: Ed25519, ECDSA over P-256 and P-384 with SHA-256,
    /// RSA (PKCS#1 v1.5) with SHA-256, which are the digests that OpenSSL takes where none is named. Signatures are as
    /// OpenSSL makes them.
    Spki,
    /// Detached OpenPGP signatures.
    Pgp,
    /// The key itself is the signature. For tests; it works only where `OSTREE_DUMMY_SIGN_ENABLED` is set.
    Dummy,
}

impl Engine {
    /// All engines, in the order in which they are asked where any will do.
    pub const ALL: [Self; 4] = [Self::Ed25519, Self::Spki, Self::Pgp, Self::Dummy];

    /// The name in options and configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Spki => "spki",
            Self::Pgp => "pgp",
            Self::Dummy => "dummy",
        }
    }

    /// The key of its signatures in detached metadata and `summary.sig`; the value is an `aay`.
    pub fn metadata_key(self) -> &'static str {
        match self {
            Self::Ed25519 => keys::ED25519,
            Self::Spki => keys::SPKI,
            Self::Pgp => keys::PGP,
            Self::Dummy => keys::DUMMY,
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Engine {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        Self::ALL.into_iter().find(|engine| engine.name() == name).ok_or(UnknownEngine)
    }
}
