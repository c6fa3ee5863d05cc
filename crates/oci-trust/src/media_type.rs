//! Media types of signatures.

/// The payload of a sigstore signature; what is attached with other types is none.
pub const SIGSTORE_PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// A bundle of sigstore, up to its version.
pub const SIGSTORE_BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

/// What is signed in a bundle.
pub const STATEMENT: &str = "application/vnd.in-toto+json";
