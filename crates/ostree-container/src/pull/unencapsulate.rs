//! Taking the commit out of an image that holds nothing else.

use std::num::NonZeroUsize;

use oci_image::platform::Platform;
use oci_image::{Digest, ImageSource};
use ostree_core::{CommitId, ReadObject, Refspec, VerifyCommit, walk};
use ostree_repo::partial::{self, CommitState};
use ostree_repo::{Repo, TransactionOptions};

use crate::error::ContainerError;
use crate::inspect::{ImageInfo, inspect};
use crate::keys::COMMIT_LABEL;
use crate::progress::{Event, Listener};
use crate::pull::base::{BaseImport, Held, check_label, check_whole};
use crate::pull::finished::{AtHand, FinishedLayers};
use crate::pull::received::{Received, bytes_of};
use crate::pull::settling::{self, Settling};
use crate::shape::{Layer, Shape};
use crate::space::Coming;
use oci_image::default_jobs;

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
    /// How many layers are fetched at a time; eight if not set.
    pub parallel_fetches: Option<NonZeroUsize>,
    /// Begin even if the layers cannot fit by what is known of them. They may share more with what is stored than is known.
    pub skip_space_check: bool,
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

/// Whether the commit that the image's label names is in the repository as a whole, so that importing it takes no space.
fn is_there(repo: &Repo, info: &ImageInfo) -> Result<bool, ContainerError> {
    let Some(commit) = info.config.label(COMMIT_LABEL).and_then(|name| name.parse::<CommitId>().ok()) else {
        return Ok(false);
    };
    Ok(repo.has_object(&commit.object())?
        && partial::state(repo, &commit)? == CommitState::Complete
        && walk::missing(repo, &commit)?.is_empty())
}

/// Imports the commit of an image. What cannot fit into the repository by what is known is refused before any layer is asked
/// for. The ref, if one is asked for, moves last; after an error nothing new is reachable.
pub fn unencapsulate(
    source: &dyn ImageSource,
    repo: &Repo,
    options: &ImportOptions<'_>,
    listener: &dyn Listener,
) -> Result<Unencapsulated, ContainerError> {
    let platform = options.platform.clone().unwrap_or_else(Platform::host);
    let info = inspect(source, &platform)?;
    let shape = Shape::of(&info.manifest, &info.config)?;
    let base = shape.require_base()?;
    if !shape.derived.is_empty() {
        return Err(ContainerError::Derived { count: shape.derived.len() });
    }
    let digests = || base.iter().map(|layer| &layer.descriptor.digest);
    let descriptors = || base.iter().map(|layer| &layer.descriptor);
    let coming = Coming::new(repo, source, descriptors(), &AtHand::of(repo, descriptors())?);
    coming.make_room(!options.skip_space_check && !is_there(repo, &info)?)?;
    listener.event(Event::Start {
        task: "importing",
        bytes: bytes_of(source, descriptors()),
        layers: descriptors().count(),
    });
    let wanted: Vec<_> = descriptors().enumerate().collect();
    let notes = FinishedLayers::of(repo);
    let received = Received::new(source, listener, &wanted, options.parallel_fetches, move |layer| notes.knows(layer));
    let layers: Vec<_> = base.iter().enumerate().collect();
    let commit = import(repo, (&info, &layers), &received, options, listener).inspect_err(|error| {
        if error.is_of_image() {
            settling::forget(repo, digests());
        }
    })?;
    coming.finish();
    settling::forget(repo, digests());
    listener.event(Event::Done);
    Ok(Unencapsulated { commit, digest: info.digest })
}

/// Imports the layers of an image in one transaction.
fn import(
    repo: &Repo,
    (info, layers): (&ImageInfo, &[(usize, &Layer)]),
    received: &Received<'_>,
    options: &ImportOptions<'_>,
    listener: &dyn Listener,
) -> Result<CommitId, ContainerError> {
    let transaction = repo.transaction(options.transaction)?;
    let settling = Settling::new(&transaction, received, true);
    let import = BaseImport {
        source: received,
        transaction: &transaction,
        settling: &settling,
        verify: options.verify,
        jobs: options.jobs.unwrap_or_else(default_jobs),
    };
    let held = received.run(|| settling.run(|| settling.reading(|| import.layers(layers))))?;
    let mut commit = None;
    let mut chunks = Vec::new();
    for ((_, layer), held) in layers.iter().zip(held) {
        match held {
            Held::Commit(id) => commit = Some(id),
            Held::Files(files) => chunks.push((&layer.descriptor.digest, files)),
        }
    }
    let commit = commit.ok_or_else(|| ContainerError::Request("the image has no commit layer".into()))?;
    check_label(&info.config, commit)?;
    check_whole(&transaction, commit, &chunks)?;
    listener.event(Event::Finishing);
    if let Some(refspec) = &options.write_ref {
        transaction.set_ref(refspec.clone(), Some(commit));
    }
    let _claims = settling.into_claims();
    transaction.commit()?;
    partial::clear(repo, &commit)?;
    Ok(commit)
}
