//! The keys of signatures in detached metadata and in `summary.sig`, each with an `aay` as its value.

/// Detached OpenPGP signatures, each an element.
pub const GPG: &str = ostree_core::metadata::GPG_SIGNATURES;
/// Raw Ed25519 signatures of 64 bytes.
pub const ED25519: &str = "ostree.sign.ed25519";
/// Signatures by X.509 public keys.
pub const SPKI: &str = "ostree.sign.spki";
/// Detached OpenPGP signatures of the newer interface.
pub const PGP: &str = "ostree.sign.pgp";
/// Signatures for tests.
pub const DUMMY: &str = "ostree.sign.dummy";
