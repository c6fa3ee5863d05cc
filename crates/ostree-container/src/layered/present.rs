//! Which layers of an image the repository has already, by the digest of their stored or of their uncompressed bytes.

use std::collections::HashMap;

use oci_image::Digest;
use ostree_core::{Commit, CommitId, FileId, ReadObject, walk};
use ostree_repo::Repo;
use ostree_repo::partial::{self, CommitState};

use crate::chunk;
use crate::error::ContainerError;
use crate::keys;
use crate::layered::notes::Notes;
use crate::shape::Layer;
use crate::stored;

/// What a layer commit keeps.
#[derive(Debug, Clone)]
pub enum Kept {
    /// The commit that the image encapsulates.
    Commit(CommitId),
    /// The files of a chunk.
    Chunk(Vec<FileId>),
    /// A derived layer; without notes, if another program imported it.
    Derived(CommitId, Box<Commit>, Option<Notes>),
}

/// Finds layers in a repository.
pub struct Present<'a> {
    repo: &'a Repo,
    /// The digests that layers with a diff-id are stored under, in other images.
    by_diff_id: HashMap<Digest, Vec<Digest>>,
}

impl<'a> Present<'a> {
    /// Looks through the images of `repo`. Damaged ones are passed over.
    pub fn new(repo: &'a Repo) -> Result<Self, ContainerError> {
        let mut by_diff_id: HashMap<Digest, Vec<Digest>> = HashMap::new();
        for (_, image) in stored::all(repo)? {
            for layer in image.into_iter().flat_map(|image| image.layers) {
                if let (Some(diff_id), Some(_)) = (layer.diff_id, layer.commit) {
                    by_diff_id.entry(diff_id).or_default().push(layer.descriptor.digest);
                }
            }
        }
        Ok(Self { repo, by_diff_id })
    }

    /// What the repository keeps of a layer; all of it, or `None`.
    pub fn find(&self, layer: &Layer) -> Option<Kept> {
        let others = self.by_diff_id.get(&layer.diff_id).into_iter().flatten();
        std::iter::once(&layer.descriptor.digest)
            .chain(others)
            .find_map(|digest| self.kept(stored::layer_commit(self.repo, digest).ok()?).ok().flatten())
    }

    /// What a layer commit keeps; `None` if something is missing, so that the layer must be fetched again.
    fn kept(&self, id: CommitId) -> Result<Option<Kept>, ContainerError> {
        let complete = partial::state(self.repo, &id)? == CommitState::Complete;
        match complete && walk::missing(self.repo, &id)?.is_empty() {
            true => kept(self.repo, id),
            false => Ok(None),
        }
    }
}

/// What a layer commit keeps, all of which is there; `None` if its notes cannot be read.
pub fn kept(store: &dyn ReadObject, id: CommitId) -> Result<Option<Kept>, ContainerError> {
    let commit = walk::load_commit(store, &id)?;
    if let Some(notes) = Notes::read(&commit.metadata) {
        return Ok(notes.ok().map(|notes| Kept::Derived(id, Box::new(commit), Some(notes))));
    }
    if let Some(files) = chunk::files(&commit, &walk::load_dirtree(store, &commit.root_tree)?) {
        return Ok(Some(Kept::Chunk(files)));
    }
    let imported = commit.metadata.get(keys::IMPORTER_VERSION).is_some();
    Ok(Some(match imported {
        true => Kept::Derived(id, Box::new(commit), None),
        false => Kept::Commit(id),
    }))
}
