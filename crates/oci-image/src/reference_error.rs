//! Why a text is no image reference, in the words existing scripts know.

/// What is wrong with an image reference. The texts are the ones of the tools this program takes over from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// There is no `:` after the scheme or transport.
    #[error("Missing ':' in {0}")]
    MissingColon(String),
    /// The word before the first `:` names no transport.
    #[error("Unknown transport '{0}'")]
    UnknownTransport(String),
    /// Nothing follows the transport.
    #[error("Invalid empty name in {0}")]
    EmptyName(String),
    /// `docker:` is not followed by `//`.
    #[error("Missing // in docker:// in {0}")]
    MissingSlashes(String),
    /// The word before the first `:` names no signature scheme.
    #[error("Invalid ostree image reference scheme: {0}")]
    UnknownScheme(String),
    /// A scheme that names a remote has no `:` after it.
    #[error("Missing second ':' in {0}")]
    MissingSecondColon(String),
}
