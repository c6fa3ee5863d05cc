//! One stored image: its merge commit, its documents, and the commits of its layers.

use oci_image::source::RawManifest;
use oci_image::{Descriptor, Digest, ImageConfig, ImageReference, Manifest};
use ostree_core::walk::load_commit;
use ostree_core::{CommitId, ReadObject, RefName};
use ostree_repo::refs::RefTarget;
use ostree_repo::{Repo, RepoError};

use crate::error::ContainerError;
use crate::keys::FINAL_DIFFID_LABEL;
use crate::refs::{blob_ref, image_ref};
use crate::stored::documents::{self, Documents};

/// A layer of a stored image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLayer {
    /// The layer as the manifest has it.
    pub descriptor: Descriptor,
    /// The digest of its uncompressed bytes, where the configuration says it.
    pub diff_id: Option<Digest>,
    /// The commit that holds the layer's content; `None` where the layer's ref or that commit is missing or damaged.
    pub commit: Option<CommitId>,
}

/// An image in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredImage {
    /// The merge commit: the tree of all layers.
    pub commit: CommitId,
    /// The commit that was encapsulated into the first layers. `None` for an image that has none, or has lost it.
    pub base: Option<CommitId>,
    /// The digest of the document that the image's name stood for when it was pulled.
    pub manifest_digest: Digest,
    /// The manifest; from the source's bytes where they were kept.
    pub manifest: Manifest,
    /// The manifest's bytes as the source had them, where they were kept.
    pub original_manifest: Option<RawManifest>,
    /// The configuration; images that old programs pulled may lack it.
    pub config: Option<ImageConfig>,
    /// The configuration's bytes as the source had them, where they were kept.
    pub original_config: Option<Vec<u8>>,
    /// The layers, the lowest first.
    pub layers: Vec<StoredLayer>,
    /// What is damaged or missing, in words; nothing that makes the image's tree unusable.
    pub problems: Vec<String>,
}

/// The stored image of that name; `None` if there is none.
///
/// # Errors
/// Those of reading the ref, and of [`query`].
pub fn find(repo: &Repo, image: &ImageReference) -> Result<Option<StoredImage>, ContainerError> {
    match target(repo, &image_ref(image)?)? {
        Some(commit) => query(repo, &commit).map(Some),
        None => Ok(None),
    }
}

/// The stored image of that name, which must be there.
///
/// # Errors
/// [`ContainerError::NoSuchImage`], and those of [`find`].
pub fn require(repo: &Repo, image: &ImageReference) -> Result<StoredImage, ContainerError> {
    find(repo, image)?.ok_or_else(|| ContainerError::NoSuchImage { image: image.clone() })
}

/// The image whose merge commit is `commit`.
///
/// # Errors
/// [`ContainerError::ImageMetadata`] where it is no image's or its manifest cannot be read, and those of reading the
/// commit. Layers whose refs are missing or damaged are no error, see [`StoredImage::problems`].
pub fn query(repo: &Repo, commit: &CommitId) -> Result<StoredImage, ContainerError> {
    let object = load_commit(repo, commit)?;
    let Documents { manifest_digest, manifest, original_manifest, config, original_config, mut problems } =
        documents::read(commit, &object.metadata)?;
    let layers = layers(repo, &manifest, config.as_ref(), &mut problems);
    // Writers that knew no other images kept no configuration.
    let has_base = config.as_ref().is_none_or(|config| config.label(FINAL_DIFFID_LABEL).is_some());
    let by_ref = layers.first().and_then(|layer| layer.commit);
    let base = if has_base { by_ref.or_else(|| object.parent.filter(|id| is_there(repo, id))) } else { None };
    Ok(StoredImage {
        commit: *commit,
        base,
        manifest_digest,
        manifest,
        original_manifest,
        config,
        original_config,
        layers,
        problems,
    })
}

fn layers(
    repo: &Repo,
    manifest: &Manifest,
    config: Option<&ImageConfig>,
    problems: &mut Vec<String>,
) -> Vec<StoredLayer> {
    let diff_ids = config.map(|config| config.rootfs.diff_ids.as_slice()).unwrap_or_default();
    let layer = |(index, descriptor): (usize, &Descriptor)| StoredLayer {
        commit: layer_commit(repo, &descriptor.digest).map_err(|problem| problems.push(problem)).ok(),
        diff_id: diff_ids.get(index).cloned(),
        descriptor: descriptor.clone(),
    };
    manifest.layers.iter().enumerate().map(layer).collect()
}

/// The commit that holds the content of a layer, by the digest of its stored bytes.
///
/// # Errors
/// In words, what is missing or damaged.
pub fn layer_commit(repo: &Repo, digest: &Digest) -> Result<CommitId, String> {
    let name = blob_ref(digest);
    match target(repo, &name) {
        Ok(Some(commit)) if is_there(repo, &commit) => Ok(commit),
        Ok(Some(commit)) => Err(format!("layer {digest}: commit {commit} is missing")),
        Ok(None) => Err(format!("layer {digest}: ref {name} is missing")),
        Err(problem) => Err(format!("layer {digest}: {}", whole(&problem))),
    }
}

fn is_there(repo: &Repo, commit: &CommitId) -> bool {
    repo.has_object(&commit.object()).unwrap_or(false)
}

/// The commit of a local ref, of this repository or a parent.
pub fn target(repo: &Repo, name: &RefName) -> Result<Option<CommitId>, RepoError> {
    match ostree_repo::refs::read(repo, &RefTarget::Local(name.clone()))? {
        None => repo.parent().map_or(Ok(None), |parent| target(parent, name)),
        found => Ok(found),
    }
}

/// An error with all its causes on one line.
pub fn whole(problem: &dyn std::error::Error) -> String {
    let mut text = problem.to_string();
    let mut cause = problem.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}
