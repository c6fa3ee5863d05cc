//! Importing the layers that hold a commit.

use std::collections::HashSet;
use std::io::Read;
use std::num::NonZeroUsize;

use oci_image::Digest;
use oci_image::config::ImageConfig;
use ostree_core::{CommitId, FileId, ObjectName, ReadObject, StoreError, VerifyCommit, walk};
use ostree_repo::Transaction;
use ostree_repo::partial::{self, CommitState};
use ostree_tar::{Imported, TarError, import, import_object_set};

use crate::error::ContainerError;
use crate::keys::COMMIT_LABEL;
use crate::pull::finished::Finished;
use crate::pull::pipe::read_layer;
use crate::pull::received::{Received, doubtful};
use crate::pull::settling::Settling;
use crate::shape::Layer;
use oci_image::each;

/// The layers of one commit on their way into a repository.
pub struct BaseImport<'a> {
    /// Where they come from.
    pub source: &'a Received<'a>,
    /// Where they go.
    pub transaction: &'a Transaction<'a>,
    /// What keeps those that are finished.
    pub settling: &'a Settling<'a>,
    /// Who must vouch for the commit.
    pub verify: Option<&'a dyn VerifyCommit>,
    /// How many threads hash and write.
    pub jobs: NonZeroUsize,
}

/// What a layer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// The commit and its metadata objects.
    Commit(CommitId),
    /// Files.
    Files(Vec<FileId>),
}

impl Held {
    /// What a layer at position `index` holds by what it was read to; `None` if it was read to something else.
    fn of(index: usize, finished: &Finished) -> Option<Self> {
        match (index, finished) {
            (0, Finished::Base { commit, .. }) => Some(Self::Commit(*commit)),
            (1.., Finished::Chunk(files)) => Some(Self::Files(files.clone())),
            _ => None,
        }
    }
}

impl BaseImport<'_> {
    /// Imports `layers`, several at once. Each comes with its position in the image: 0 is the layer with the commit. Where
    /// somebody must vouch for the commit, nothing is written before he did.
    pub fn layers(&self, layers: &[(usize, &Layer)]) -> Result<Vec<Held>, ContainerError> {
        match layers.split_first() {
            Some((first, others)) if self.verify.is_some() && first.0 == 0 => {
                let mut held = self.at_once(std::slice::from_ref(first))?;
                held.extend(self.at_once(others)?);
                Ok(held)
            }
            _ => self.at_once(layers),
        }
    }

    fn at_once(&self, layers: &[(usize, &Layer)]) -> Result<Vec<Held>, ContainerError> {
        // Threads that read share the processors with those that write.
        let writers = self.jobs.get().div_ceil(layers.len().max(1));
        each(self.source.readers(self.jobs), layers, &|| self.source.stop(), |_, (index, layer)| {
            if let Some(held) = self.at_hand(*index, layer)? {
                return Ok(held);
            }
            let finished = self.source.again(&layer.descriptor, || match index {
                0 => self.commit_layer(layer, writers),
                _ => self.chunk_layer(*index, layer, writers),
            })?;
            let held = Held::of(*index, &finished);
            self.settling.finished(&layer.descriptor, finished);
            held.ok_or_else(|| ContainerError::Request(format!("layer {} was not imported", layer.descriptor.digest)))
        })
    }

    /// What the layer holds, if it need not be read.
    fn at_hand(&self, index: usize, layer: &Layer) -> Result<Option<Held>, ContainerError> {
        let finished = self.settling.at_hand(&layer.descriptor);
        let Some(held) = finished.and_then(|finished| Held::of(index, &finished)) else { return Ok(None) };
        if let Held::Commit(commit) = &held {
            self.verify_stored(commit)?;
        }
        self.source.at_hand(index, &layer.descriptor)?;
        Ok(Some(held))
    }

    /// Asks for a commit that was there before what is asked for one that comes in.
    pub fn verify_stored(&self, commit: &CommitId) -> Result<(), ContainerError> {
        let Some(verifier) = self.verify else { return Ok(()) };
        let store = self.transaction;
        let bytes = store.read_metadata(&commit.object())?.ok_or(StoreError::Missing { name: commit.object() })?;
        let detached = store.read_detached(commit)?.map(|detached| detached.encode());
        let verified = verifier.verify_commit(commit, &bytes, detached.as_deref());
        Ok(verified.map_err(|e| StoreError::Backend(Box::new(e)))?)
    }

    fn commit_layer(&self, layer: &Layer, writers: usize) -> Result<Finished, ContainerError> {
        self.layer(0, layer, |stream| {
            let repo = self.transaction.repo();
            // A commit that is here and whole stays so, whatever becomes of this import.
            let mark = |commit: &CommitId| match repo.has_object(&commit.object())? {
                true => Ok(()),
                false => Ok(partial::mark(repo, commit, CommitState::Partial)?),
            };
            let options = ostree_tar::ImportOptions { verify: self.verify, on_commit: Some(&mark), writers };
            let Imported { commit, detached, files, .. } = import(stream, self.transaction, options)?;
            Ok(Finished::Base { commit, detached, files })
        })
    }

    fn chunk_layer(&self, index: usize, layer: &Layer, writers: usize) -> Result<Finished, ContainerError> {
        self.layer(index, layer, |stream| {
            let (files, _) = import_object_set(stream, self.transaction, writers)?;
            Ok(Finished::Chunk(files.into_iter().collect()))
        })
    }

    fn layer<T>(
        &self,
        index: usize,
        layer: &Layer,
        consume: impl FnOnce(&mut dyn Read) -> Result<T, TarError>,
    ) -> Result<T, ContainerError> {
        let opened = self.source.open_layer(index, &layer.descriptor)?;
        let (value, _) = read_layer(opened, &layer.diff_id, doubtful, |stream| {
            consume(stream)
                .map_err(|source| ContainerError::Layer { layer: layer.descriptor.digest.to_string(), source })
        })?;
        Ok(value)
    }
}

/// The label is what other programs show; it must not lie.
pub fn check_label(config: &ImageConfig, found: CommitId) -> Result<(), ContainerError> {
    match config.label(COMMIT_LABEL) {
        Some(named) if named != found.to_string() => {
            Err(ContainerError::OtherCommit { label: COMMIT_LABEL, named: named.to_owned(), found })
        }
        _ => Ok(()),
    }
}

/// Every object of the commit must be there, and the layers must hold no others.
pub fn check_whole(
    store: &dyn ReadObject,
    commit: CommitId,
    chunks: &[(&Digest, Vec<FileId>)],
) -> Result<(), ContainerError> {
    let absent = walk::missing(store, &commit)?;
    if let Some(first) = absent.first() {
        return Err(ContainerError::Incomplete { commit, count: absent.len(), first: *first });
    }
    let mut own: HashSet<ObjectName> = HashSet::new();
    if !chunks.is_empty() {
        walk::reachable(store, &commit, false, &mut own)?;
    }
    for (layer, files) in chunks {
        let foreign: Vec<ObjectName> = files.iter().map(FileId::object).filter(|name| !own.contains(name)).collect();
        if let Some(first) = foreign.first() {
            let (layer, count) = ((*layer).clone(), foreign.len());
            return Err(ContainerError::Foreign { layer, commit, count, first: *first });
        }
    }
    Ok(())
}
