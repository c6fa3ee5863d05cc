//! The error type for bytes that are not the object they should be.

use crate::checksum::InvalidChecksum;
use crate::gvariant::NotNormal;

/// Why bytes or texts are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The bytes are not the GVariant normal form of the object's type.
    #[error("invalid {what}: {problem}")]
    NotNormal {
        /// Which kind of object.
        what: &'static str,
        /// What is wrong, with the byte offset in the object.
        problem: NotNormal,
    },
    /// The bytes are well-formed, but a value in them is not allowed.
    #[error("invalid {what}: {reason}")]
    Invalid {
        /// Which kind of object or text.
        what: &'static str,
        /// Which value and why.
        reason: String,
    },
    /// A checksum is malformed.
    #[error(transparent)]
    Checksum(#[from] InvalidChecksum),
}

impl ObjectError {
    /// Shorthand for [`ObjectError::Invalid`].
    pub fn invalid(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { what, reason: reason.into() }
    }
}
