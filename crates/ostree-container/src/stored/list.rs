//! All stored images.

use oci_image::ImageReference;
use ostree_core::{CommitId, RefName};
use ostree_repo::refs::{LocalRef, list_prefix};
use ostree_repo::{Repo, RepoError};

use crate::error::ContainerError;
use crate::keys::IMAGE_REFS;
use crate::refs::{parse_image_ref, unescape};
use crate::stored::image::{StoredImage, query};

/// A ref that names an image.
#[derive(Debug)]
pub struct ImageEntry {
    /// The ref.
    pub name: RefName,
    /// What the name says, unescaped; the ref's own name where that cannot be done.
    pub text: String,
    /// The image; or why the name stands for none.
    pub image: Result<ImageReference, ContainerError>,
    /// The merge commit; or why the ref cannot be read.
    pub commit: Result<CommitId, RepoError>,
}

/// Every ref that names an image, in the order of the refs' names. Commits are not looked at.
///
/// # Errors
/// Only where the directory of the refs cannot be read.
pub fn entries(repo: &Repo) -> Result<Vec<ImageEntry>, ContainerError> {
    let found = list_prefix(repo, &prefix(IMAGE_REFS))?;
    let entry = |LocalRef { name, commit }: LocalRef| {
        let escaped = name.as_str().get(IMAGE_REFS.len() + 1..).unwrap_or_default();
        let text = unescape(escaped).unwrap_or_else(|| name.to_string());
        ImageEntry { image: parse_image_ref(&name), text, name, commit }
    };
    Ok(found.into_iter().map(entry).collect())
}

/// A stored image by its name, with what it holds or why that cannot be told.
pub type NamedImage = (ImageReference, Result<StoredImage, ContainerError>);

/// Every stored image by its name, each with what it holds or why that cannot be told. Refs whose names stand for no image
/// reference are left out; see [`entries`].
///
/// # Errors
/// Only where the directory of the refs cannot be read.
pub fn all(repo: &Repo) -> Result<Vec<NamedImage>, ContainerError> {
    let named = entries(repo)?.into_iter().filter_map(|entry| Some((entry.image.ok()?, entry.commit)));
    let read = |commit: Result<CommitId, RepoError>| query(repo, &commit?);
    Ok(named.map(|(image, commit)| (image, read(commit))).collect())
}

/// One of the prefixes in [`crate::keys`] as the name it is.
pub fn prefix(text: &str) -> RefName {
    RefName::new(text).expect("the prefixes are ref names")
}
