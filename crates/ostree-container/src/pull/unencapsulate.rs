//! Taking the commit out of an image that holds nothing else.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicU64;

use oci_image::platform::Platform;
use oci_image::{Digest, ImageSource};
use ostree_core::{CommitId, FileId, ObjectName, ReadObject, Refspec, VerifyCommit, walk};
use ostree_repo::partial::{self, CommitState};
use ostree_repo::{Repo, Transaction, TransactionOptions};
use ostree_tar::{import, import_object_set};

use crate::error::ContainerError;
use crate::inspect::{ImageInfo, inspect};
use crate::keys::COMMIT_LABEL;
use crate::progress::{Event, Listener};
use crate::pull::pipe::read_layer;
use crate::pull::received::Received;
use crate::shape::{Layer, Shape};

/// How an image is imported.
#[derive(Default)]
pub struct ImportOptions<'a> {
    /// The ref that is to point to the commit.
    pub write_ref: Option<Refspec>,
    /// Who must vouch for the commit; `None` takes any.
    pub verify: Option<&'a dyn VerifyCommit>,
    /// Which of several images is meant; this host's if not set.
    pub platform: Option<Platform>,
    /// How many threads hash and write; one for each processor if not set.
    pub jobs: Option<NonZeroUsize>,
    /// How objects are made durable.
    pub transaction: TransactionOptions,
}

/// An imported commit.
#[derive(Debug, Clone)]
pub struct Unencapsulated {
    /// The commit.
    pub commit: CommitId,
    /// The digest of the image's manifest or index.
    pub digest: Digest,
}

/// Imports the commit of an image. The ref, if one is asked for, moves last; after an error nothing new is reachable.
pub fn unencapsulate(
    source: &dyn ImageSource,
    repo: &Repo,
    options: &ImportOptions<'_>,
    listener: &dyn Listener,
) -> Result<Unencapsulated, ContainerError> {
    let platform = options.platform.clone().unwrap_or_else(Platform::host);
    let info = inspect(source, &platform)?;
    let shape = Shape::of(&info.manifest, &info.config)?;
    if !shape.derived.is_empty() {
        return Err(ContainerError::Derived { count: shape.derived.len() });
    }
    let layers = 1 + shape.chunks.len();
    let bytes = shape.base().map(|layer| layer.descriptor.size).sum();
    listener.event(Event::Start { task: "importing", bytes, layers });
    let transaction = repo.transaction(options.transaction)?;
    let source = Received { inner: source, listener, bytes: AtomicU64::new(0) };
    let job = Import { source: &source, transaction: &transaction, options };
    let commit = job.commit_layer(&shape.commit)?;
    check_label(&info, commit)?;
    let mut chunks = Vec::new();
    for (index, chunk) in shape.chunks.iter().enumerate() {
        chunks.push((&chunk.descriptor.digest, job.chunk_layer(index + 1, chunk)?));
    }
    check_whole(&transaction, commit, &chunks)?;
    listener.event(Event::Finishing);
    if let Some(refspec) = &options.write_ref {
        transaction.set_ref(refspec.clone(), Some(commit));
    }
    transaction.commit()?;
    partial::clear(repo, &commit)?;
    listener.event(Event::Done);
    Ok(Unencapsulated { commit, digest: info.digest })
}

struct Import<'a> {
    source: &'a Received<'a>,
    transaction: &'a Transaction<'a>,
    options: &'a ImportOptions<'a>,
}

impl Import<'_> {
    fn writers(&self) -> usize {
        self.options.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, usize::from)
    }

    fn commit_layer(&self, layer: &Layer) -> Result<CommitId, ContainerError> {
        self.layer(0, layer, |stream| {
            let repo = self.transaction.repo();
            // A commit that is here and whole stays so, whatever becomes of this import.
            let mark = |commit: &CommitId| match repo.has_object(&commit.object())? {
                true => Ok(()),
                false => Ok(partial::mark(repo, commit, CommitState::Partial)?),
            };
            let options = ostree_tar::ImportOptions {
                verify: self.options.verify,
                on_commit: Some(&mark),
                writers: self.writers(),
            };
            import(stream, self.transaction, options).map(|imported| imported.commit)
        })
    }

    fn chunk_layer(&self, index: usize, layer: &Layer) -> Result<Vec<FileId>, ContainerError> {
        self.layer(index, layer, |stream| {
            import_object_set(stream, self.transaction, self.writers()).map(|(files, _)| files.into_iter().collect())
        })
    }

    fn layer<T>(
        &self,
        index: usize,
        layer: &Layer,
        consume: impl FnOnce(&mut dyn std::io::Read) -> Result<T, ostree_tar::TarError>,
    ) -> Result<T, ContainerError> {
        let name = layer.descriptor.digest.to_string();
        self.source.listener.event(Event::Layer { index, name: name.clone() });
        let opened = self.source.open_layer(&layer.descriptor)?;
        let (value, _) = read_layer(opened, &layer.diff_id, |stream| {
            consume(stream).map_err(|source| ContainerError::Layer { layer: name, source })
        })?;
        Ok(value)
    }
}

/// The label is what other programs show; it must not lie.
fn check_label(info: &ImageInfo, found: CommitId) -> Result<(), ContainerError> {
    match info.config.label(COMMIT_LABEL) {
        Some(named) if named != found.to_string() => {
            Err(ContainerError::OtherCommit { label: COMMIT_LABEL, named: named.to_owned(), found })
        }
        _ => Ok(()),
    }
}

/// Every object of the commit must be there, and the layers must hold no others.
fn check_whole(
    transaction: &Transaction<'_>,
    commit: CommitId,
    chunks: &[(&Digest, Vec<FileId>)],
) -> Result<(), ContainerError> {
    let absent = walk::missing(transaction, &commit)?;
    if let Some(first) = absent.first() {
        return Err(ContainerError::Incomplete { commit, count: absent.len(), first: *first });
    }
    let mut own: HashSet<ObjectName> = HashSet::new();
    if !chunks.is_empty() {
        walk::reachable(transaction, &commit, false, &mut own)?;
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
