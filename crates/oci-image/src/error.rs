//! The one error type of this crate, which sources and sinks in other crates return too.

use std::error::Error;
use std::path::PathBuf;

use crate::digest::{Digest, InvalidDigest};
use crate::reference_error::ReferenceError;

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
    /// A blob, layer or archive could not be read or written while its bytes were flowing.
    #[error("{action} {what}")]
    Stream {
        /// What was tried, as in "decompressing".
        action: &'static str,
        /// Which blob or layer.
        what: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A text that had to be an image reference is none.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
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
    /// The place a blob was being written to lost what it had of it. Written once more from its first byte, the blob may
    /// well arrive.
    #[error("{what}: the connection broke, and nothing was kept of what was sent")]
    Lost {
        /// Which blob, and where it was to go.
        what: String,
    },
    /// A source or sink outside of this crate failed.
    #[error("{place}")]
    Transport {
        /// The registry or place.
        place: String,
        /// Its own error.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl ImageError {
    /// Turns an error of a `Read` or `Write` back into the [`ImageError`] it carries, where it carries one,
    /// and else into [`ImageError::Stream`].
    pub fn from_stream(action: &'static str, what: &str, source: std::io::Error) -> Self {
        match source.downcast::<Self>() {
            Ok(inner) => inner,
            Err(source) => Self::Stream { action, what: what.to_owned(), source },
        }
    }

    /// Whether an error is, or was led to by, an [`ImageError::Lost`], whatever it passed through.
    pub fn is_lost(error: &(dyn Error + 'static)) -> bool {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if matches!(error.downcast_ref(), Some(Self::Lost { .. })) {
                return true;
            }
            // What an I/O error holds is not its source, but stands before it.
            let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            cause = match held {
                Some(held) => Some(held),
                None => error.source(),
            };
        }
        false
    }

    /// Wraps the error so that it can pass through `Read` and `Write`; [`ImageError::from_stream`] takes it out again.
    pub fn into_io(self) -> std::io::Error {
        std::io::Error::other(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_error_survives_a_stream() {
        let error = ImageError::Invalid { what: "layer".into(), reason: "bad".into() };
        assert!(matches!(ImageError::from_stream("reading", "x", error.into_io()), ImageError::Invalid { .. }));
        let plain = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        assert!(matches!(ImageError::from_stream("reading", "x", plain), ImageError::Stream { .. }));
    }
}
