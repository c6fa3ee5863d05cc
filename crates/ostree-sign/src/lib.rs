//! Signatures of OSTree commits and summaries, made and checked: OpenPGP, ed25519 and spki.
//!
//! Nothing here knows a repository: bytes, metadata and settings are handed in. Keys are read from the files that the
//! settings name.

pub mod detached;
pub mod engine;
pub mod error;
pub mod keys;
pub mod limits;
pub mod openpgp;
pub mod trust;

mod key_file;

pub use engine::{Engine, EngineSigner, EngineVerifier, KeyDirectory};
pub use error::SignError;
pub use trust::{CommitVerifier, RemoteTrust, SignVerify};
