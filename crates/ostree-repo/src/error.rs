//! The one error type of this crate.

use std::io;
use std::path::{Path, PathBuf};

use ostree_core::{ObjectError, StoreError};

/// What goes wrong in a repository. Messages that scripts know from the reference program keep its wording.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepoError {
    /// The operating system refused something.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried, as in "opening".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// An object or the store that keeps it is at fault.
    #[error(transparent)]
    Store(StoreError),
    /// The `config` file cannot be used.
    #[error("{}: {reason}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Which key and why.
        reason: String,
    },
    /// The repository is not writable for this process.
    #[error("Cannot write to repository")]
    NotWritable {
        /// The operating system's answer.
        source: io::Error,
    },
    /// Another process held the lock for too long.
    #[error("Locking repo {kind} failed")]
    Lock {
        /// `shared` or `exclusive`.
        kind: &'static str,
        /// The operating system's answer.
        source: io::Error,
    },
    /// Writing would leave less free space than the repository's configuration demands.
    #[error("{setting} would be exceeded, at least {needed} bytes requested")]
    NoSpace {
        /// The setting with its value.
        setting: String,
        /// How much more space is needed, in bytes.
        needed: u64,
    },
    /// A revision names nothing.
    #[error("Refspec '{0}' not found")]
    RefNotFound(String),
    /// A request that cannot be carried out as it is.
    #[error("{0}")]
    Request(String),
    /// An error further down, with the path or object it concerns.
    #[error("{context}")]
    Context {
        /// What was being done to what.
        context: String,
        /// The error.
        source: Box<RepoError>,
    },
}

impl RepoError {
    /// An I/O error with what was tried on which path.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.as_ref().to_owned(), source: source.into() }
    }

    /// Says what was being done when `self` happened.
    pub fn context(self, context: impl Into<String>) -> Self {
        Self::Context { context: context.into(), source: Box::new(self) }
    }
}

impl From<StoreError> for RepoError {
    /// An error of this crate that went through the store traits comes out as it was.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Backend(inner) => match inner.downcast::<RepoError>() {
                Ok(own) => *own,
                Err(inner) => Self::Store(StoreError::Backend(inner)),
            },
            other => Self::Store(other),
        }
    }
}

impl From<ObjectError> for RepoError {
    fn from(error: ObjectError) -> Self {
        Self::Store(StoreError::Invalid(error))
    }
}

impl From<RepoError> for StoreError {
    fn from(error: RepoError) -> Self {
        match error {
            RepoError::Store(error) => error,
            other => Self::Backend(Box::new(other)),
        }
    }
}
