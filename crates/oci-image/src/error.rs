//! The one error type of this crate, which sources and sinks in other crates return too.

use std::path::PathBuf;

use crate::digest::{Digest, InvalidDigest};

/// What can go wrong with an image. Every variant says what was being read or written and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A file of an image on disk could not be read or written.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried, as in "opening".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A text that had to be a digest is none.
    #[error(transparent)]
    Digest(#[from] InvalidDigest),
    /// The bytes of a blob or manifest are not the ones that were asked for.
    #[error("{what}: expected digest {expected}, found {actual}")]
    DigestMismatch {
        /// Which blob, manifest or layer.
        what: String,
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of the bytes that came.
        actual: Digest,
    },
    /// A blob is longer or shorter than its descriptor says.
    #[error("{what}: expected {expected} bytes, found {actual}")]
    SizeMismatch {
        /// Which blob or layer.
        what: String,
        /// The size in the descriptor, in bytes.
        expected: u64,
        /// How many bytes came; for a blob that is too long, how many had come when that was noticed.
        actual: u64,
    },
    /// What was asked for is not there.
    #[error("{what} not found in {place}")]
    NotFound {
        /// The image, tag, manifest or blob.
        what: String,
        /// Where it was looked for.
        place: String,
    },
    /// The content breaks its format.
    #[error("{what}: {reason}")]
    Invalid {
        /// Which document, blob or reference.
        what: String,
        /// What is wrong with it, with an offset or member where there is one.
        reason: String,
    },
    /// The content is valid, but nothing here can read it.
    #[error("{what}: unsupported {feature}")]
    Unsupported {
        /// Which document, blob or layer.
        what: String,
        /// The feature, as in "layer media type application/x".
        feature: String,
    },
    /// A source or sink outside of this crate failed.
    #[error("{place}")]
    Transport {
        /// The registry or place.
        place: String,
        /// Its own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
