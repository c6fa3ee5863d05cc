//! The one error type of this crate: which image, layer or file of which storage, and what is wrong with it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use oci_image::ImageError;

/// What can go wrong with a container storage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The name does not follow the grammar `[[DRIVER@]GRAPHROOT[+RUNROOT][:OPTIONS]]NAME`.
    #[error("invalid storage reference {reference:?}: {reason}")]
    Reference {
        /// The reference as it was given, without its transport.
        reference: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or directory could not be read.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried, as in "opening".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A settings or record file does not follow its format.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no storage where one was looked for.
    #[error("no container storage in {}: {reason}", path.display())]
    NoStore {
        /// Its graph root.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// Another program kept the storage locked for too long.
    #[error("{} is still locked by another program after {} s", path.display(), waited.as_secs_f64())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// No image of this name is there.
    #[error("image {name:?} not found in {place}")]
    NoImage {
        /// The name as it was looked for.
        name: String,
        /// The graph root, or roots.
        place: String,
    },
    /// What is kept with an image is not as it must be.
    #[error("image {image} in {}: {reason}", store.display())]
    Image {
        /// The image's identifier in the storage.
        image: String,
        /// The graph root.
        store: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A layer cannot be given back as it was.
    #[error("layer {layer} in {}: {reason}", store.display())]
    Layer {
        /// The layer's identifier in the storage.
        layer: String,
        /// The graph root.
        store: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file of a layer is missing, changed or unreadable.
    #[error("layer {layer}: file {}: {reason}", path.display())]
    Content {
        /// The layer's identifier in the storage.
        layer: String,
        /// The file in the storage.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl From<StorageError> for ImageError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NoImage { name, place } => Self::NotFound { what: format!("image {name:?}"), place },
            StorageError::Reference { reference, reason } => {
                Self::Invalid { what: format!("storage reference {reference:?}"), reason }
            }
            StorageError::Io { action, path, source } => Self::Io { action, path, source },
            other => Self::Transport { place: "containers-storage".to_owned(), source: Box::new(other) },
        }
    }
}
