//! The one error type of this crate.

use std::error::Error;
use std::path::PathBuf;

use oci_image::{Digest, ImageError, ImageReference};
use ostree_core::{CommitId, ObjectError, ObjectName, StoreError};
use ostree_repo::{FreeSpace, RepoError};
use ostree_tar::TarError;

use crate::need::Need;

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
    /// A text that cannot be made the name of a ref, or a ref's name that was not made of a text.
    #[error("ref of {text:?}: {reason}")]
    RefText {
        /// The text, or the ref's name.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No image of that name is stored.
    #[error("No such image: {image}")]
    NoSuchImage {
        /// The image.
        image: ImageReference,
    },
    /// A commit is no image's, or its metadata cannot be read.
    #[error("image commit {commit}: metadata key {key}: {reason}")]
    ImageMetadata {
        /// The commit.
        commit: CommitId,
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or directory outside of any repository could not be read or changed.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried, as in "reading".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The layers that are to be fetched do not fit into the repository.
    #[error("repository {}: {}", repo.display(), no_room(*need, space, *shortfall))]
    NoRoom {
        /// The repository.
        repo: PathBuf,
        /// What the layers take.
        need: Need,
        /// The space there is.
        space: FreeSpace,
        /// How many bytes more are needed.
        shortfall: u64,
    },
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
    /// The label that ends the commit's layers names several.
    #[error("Multiple entries for {label} {diff_id}")]
    FinalDiffIdTwice {
        /// The label.
        label: &'static str,
        /// What it says.
        diff_id: String,
    },
    /// A hard link of a layer leads to nothing that lower layers have.
    #[error("hard link {path} to {target}, which {reason}")]
    LowerLink {
        /// Where it stands.
        path: String,
        /// What it leads to.
        target: String,
        /// Why that will not do.
        reason: String,
    },
    /// A layer cannot be laid over those below it.
    #[error("layer {layer}")]
    Merge {
        /// The layer.
        layer: Digest,
        /// Why not.
        source: Box<ContainerError>,
    },
    /// Entries of derived layers would be left out, where that was not to be.
    #[error("the image has entries outside of what the system keeps: {list}")]
    Filtered {
        /// Names and counts.
        list: String,
    },
    /// The tree has an SELinux policy that cannot be used.
    #[error("SELinux policy of the image")]
    Policy(#[from] ostree_selinux::SelinuxError),
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

impl ContainerError {
    /// Whether the source is what failed, and not what came from it.
    pub(crate) fn is_of_source(&self) -> bool {
        matches!(self, Self::Image(ImageError::Io { .. } | ImageError::Stream { .. } | ImageError::Transport { .. }))
    }

    /// Whether something is wrong with the image itself: neither with its source nor with the repository.
    pub(crate) fn is_of_image(&self) -> bool {
        !self.is_of_source() && !matches!(self, Self::Repo(_)) && !is_of_store(self)
    }
}

/// Whether a store's own failure led to `error`.
pub(crate) fn is_of_store(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(StoreError::Backend(_))) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn no_room(need: Need, space: &FreeSpace, shortfall: u64) -> String {
    let bound = if need.exact { "" } else { "at least " };
    let Need { bytes, .. } = need;
    let FreeSpace { free, reserved, .. } = space;
    let setting = space.setting.as_ref().map(|setting| format!(" ({setting})")).unwrap_or_default();
    format!(
        "not enough space: layers need {bound}{bytes} bytes, {free} bytes are free, {reserved} of them reserved{setting}: \
        {shortfall} bytes short"
    )
}

impl From<ObjectError> for ContainerError {
    fn from(error: ObjectError) -> Self {
        Self::Store(error.into())
    }
}
