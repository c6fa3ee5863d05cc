//! Copying a stored image from one repository to another.

use ostree_core::ReadObject;
use ostree_repo::Repo;
use ostree_repo::copy::{CopyOptions, CopyStats, pull_local};

use oci_image::ImageReference;

use crate::error::ContainerError;
use crate::refs::{blob_ref, image_ref};
use crate::stored::image::{StoredImage, require};

/// What was copied.
#[derive(Debug, Clone)]
pub struct Copied {
    /// The image, as the source has it.
    pub image: StoredImage,
    /// How much was written.
    pub stats: CopyStats,
}

/// Copies `image`: the refs and commits of its layers, the base commit, and the merge commit, with their detached metadata.
/// The destination may have any mode; refs are set when everything is there and durable. Layers whose refs the source has
/// lost are left out, see [`StoredImage::problems`].
///
/// # Errors
/// [`ContainerError::NoSuchImage`], and those of both repositories.
pub fn copy(
    src: &Repo,
    dest: &Repo,
    image: &ImageReference,
    options: &CopyOptions<'_>,
    listener: &mut dyn FnMut(&CopyStats),
) -> Result<Copied, ContainerError> {
    let stored = require(src, image)?;
    let layers = stored.layers.iter().filter(|layer| layer.commit.is_some());
    let mut names: Vec<String> = layers.map(|layer| blob_ref(&layer.descriptor.digest).to_string()).collect();
    names.sort();
    names.dedup();
    if let Some(base) = stored.base.filter(|base| src.has_object(&base.object()).unwrap_or(false)) {
        names.push(base.to_string());
    }
    names.push(image_ref(image)?.to_string());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // Merge and layer commits are bound to no ref.
    let options = CopyOptions { disable_verify_bindings: true, ..*options };
    let stats = pull_local(src, dest, &names, &options, listener)?;
    Ok(Copied { image: stored, stats })
}
