//! The one error type of this crate.

use oci_image::{Digest, ImageError};
use ostree_core::{CommitId, ObjectError, ObjectName, StoreError};
use ostree_repo::RepoError;
use ostree_tar::TarError;

/// What goes wrong between commits and images.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContainerError {
    /// An image could not be read or written.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The repository is at fault.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// An object is at fault.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A layer's tar stream is at fault.
    #[error("layer {layer}")]
    Layer {
        /// The digest of the layer as it is stored, or what it is to hold while it is being written.
        layer: String,
        /// What is wrong with it.
        source: TarError,
    },
    /// A layer could not be compressed or sent.
    #[error("writing layer {layer} of {image}")]
    WriteLayer {
        /// What the layer holds.
        layer: String,
        /// The image.
        image: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A request that cannot be carried out as it is.
    #[error("{0}")]
    Request(String),
    /// The image holds no commit.
    #[error("No {label} label found, not an ostree encapsulated container")]
    NotEncapsulated {
        /// The label that is missing.
        label: &'static str,
    },
    /// The label that ends the commit's layers names none of them.
    #[error("Missing {label} {diff_id}")]
    FinalDiffId {
        /// The label.
        label: &'static str,
        /// What it says.
        diff_id: String,
    },
    /// The image holds more than a commit.
    #[error("Image has {count} non-ostree layers; pull it with `image pull`, which keeps them")]
    Derived {
        /// How many layers come after the commit's.
        count: usize,
    },
    /// The commit in the image is not the one its label names.
    #[error("the image's {label} label names commit {named}, but its layers hold {found}")]
    OtherCommit {
        /// The label.
        label: &'static str,
        /// The commit the label names.
        named: String,
        /// The commit in the layers.
        found: CommitId,
    },
    /// A layer holds objects the commit does not have.
    #[error("layer {layer} holds {count} objects that are not part of commit {commit}, the first being {first}")]
    Foreign {
        /// The layer.
        layer: Digest,
        /// The commit.
        commit: CommitId,
        /// How many.
        count: usize,
        /// One of them.
        first: ObjectName,
    },
    /// The commit lacks objects.
    #[error("commit {commit} is incomplete: {count} objects are in no layer, the first being {first}")]
    Incomplete {
        /// The commit.
        commit: CommitId,
        /// How many.
        count: usize,
        /// One of them.
        first: ObjectName,
    },
}

impl From<ObjectError> for ContainerError {
    fn from(error: ObjectError) -> Self {
        Self::Store(error.into())
    }
}
