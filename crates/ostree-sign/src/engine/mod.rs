//! The signature engines of `ostree sign`: raw keys of several kinds, and OpenPGP beside the older `ostree.gpgsigs`.

mod dummy;
mod ed25519;
mod keys;
pub(crate) mod kind;
mod pem;
mod signer;
mod spki;
mod verifier;

pub use keys::KeyDirectory;
pub use kind::{Engine, UnknownEngine};
pub use signer::EngineSigner;
pub use verifier::EngineVerifier;
