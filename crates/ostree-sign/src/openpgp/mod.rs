//! OpenPGP (RFC 4880 and 9580): keyrings, and what they say about signatures.
//!
//! Verdicts follow GnuPG's, since real keys and repositories were made with it: the key must be usable at the given time, and
//! not only when the signature was made; any revocation counts from its date on. What a signature and the signatures inside
//! of keys may be made of is decided by Sequoia's standard policy, which refuses weak hashes that GnuPG may still take.

mod agent;
mod certs;
mod describe;
pub(crate) mod fingerprint;
mod homedir;
mod judge;
mod keybox;
mod keyring;
mod report;
mod secret;
mod sexp;
mod signer;
mod user_id;
mod verify;
mod zbase32;

pub use describe::Described;
pub use fingerprint::{Fingerprint, InvalidFingerprint, KeyId};
pub use homedir::is_locked;
pub use keyring::{KeyInfo, Keyring, SubkeyInfo};
pub use report::{Outcome, SignatureReport};
pub use secret::SecretKeys;
pub use signer::SigningKey;
pub use user_id::UserId;
