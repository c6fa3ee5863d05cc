//! What goes wrong with keys and signatures.

use std::io;
use std::path::PathBuf;

use crate::engine::kind::{Engine, UnknownEngine};
use crate::openpgp::fingerprint::Fingerprint;

/// Why a key, a keyring or a signature cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// A file or directory of keys cannot be read.
    #[error("reading {}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something from outside is not what it should be.
    #[error("{what}: {reason}")]
    Malformed {
        /// The file, option or packet.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something from outside is larger than anything real.
    #[error("{what}: larger than {limit} bytes")]
    TooLarge {
        /// The file or packet.
        what: String,
        /// The limit, see [`crate::limits`].
        limit: u64,
    },
    /// No secret key has the name.
    #[error("No gpg key found with ID {name} (homedir: {})", place.display())]
    NoSecretKey {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        place: PathBuf,
    },
    /// Several owners of keys have the name.
    #[error("gpg key id {name} ambiguous (homedir: {}). Try the fingerprint instead", place.display())]
    AmbiguousKey {
        /// What was asked for.
        name: String,
        /// Where there are several.
        place: PathBuf,
    },
    /// The secret key is under a passphrase, and no agent runs that could be asked to sign.
    #[error("the secret key {key} in {} is protected by a passphrase, and no gpg-agent runs to ask", place.display())]
    LockedKey {
        /// The key.
        key: Fingerprint,
        /// Where it is.
        place: PathBuf,
    },
    /// The name of an engine that there is not.
    #[error(transparent)]
    UnknownEngine(#[from] UnknownEngine),
    /// The engine for tests is asked for, which is off.
    #[error("dummy signature type is only for ostree testing")]
    DummyDisabled,
    /// A remote asks for signatures of an engine and names no keys of it.
    #[error("No keys found for required signapi type {engine}")]
    NoEngineKeys {
        /// The engine.
        engine: Engine,
    },
    /// A remote is to vouch for a commit, and its configuration lets any pass.
    #[error("Cannot verify commit for remote {remote}; GPG verification disabled, and no signapi verifiers configured")]
    ChecksNothing {
        /// The remote.
        remote: String,
    },
    /// No signature vouches for the bytes. Says why each does not.
    #[error("{0}")]
    NotVerified(String),
}

impl SignError {
    /// Shorthand for [`SignError::Malformed`].
    pub(crate) fn malformed(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Malformed { what: what.into(), reason: reason.to_string() }
    }
}
