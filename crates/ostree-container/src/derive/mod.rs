//! A commit as an image on top of a parent image: the parent's layers unchanged, then one layer with what differs.
//!
//! An image that holds a commit as such has the commit's layer first, so nothing can come before it. What stands on a parent
//! is therefore a derived image, as any build from the parent would make it: programs that pull it merge the layers, and get
//! the commit's tree under a commit of their own; programs that run it see the same files. Of an encapsulated parent the
//! labels that name its commit and its last layer stay, so that every importer still finds it.

mod diff;
mod documents;

use std::num::NonZeroUsize;

use oci_image::copy::copy_layer;
use oci_image::layer::WrittenLayer;
use oci_image::{Digest, ImageReference, ImageSink, ImageSource};
use ostree_core::walk::load_commit;
use ostree_core::{Commit, CommitId};
use ostree_repo::{Repo, TransactionOptions};
use ostree_tar::{RawOptions, measure_raw_layer, write_raw_layer};

use crate::architecture::platform_of;
use crate::bounded::Bounded;
use crate::copied::Copied;
use crate::derive::diff::Difference;
use crate::encapsulate::{self, EncapsulateOptions};
use crate::error::ContainerError;
use crate::inspect::{ImageInfo, inspect};
use crate::layered::{self, Prepared, PullOptions};
use crate::progress::{Event, Listener};
use crate::pull::received::bytes_of;
use crate::shape::Shape;
use crate::stages::Stages;
use crate::stored::StoredImage;
use crate::write_layer::LayerJob;

/// The image that another is to stand on.
pub struct Parent<'a> {
    /// Its name.
    pub image: &'a ImageReference,
    /// Where it is.
    pub source: &'a dyn ImageSource,
    /// Where its layers are unpacked to be compared, unless the commit's own repository keeps the image.
    pub scratch: &'a Repo,
    /// How many layers are fetched at a time to be unpacked; eight if not set.
    pub parallel_fetches: Option<NonZeroUsize>,
}

/// A finished image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// The digest of the manifest.
    pub digest: Digest,
    /// The number of layers, the parent's included.
    pub layers: usize,
    /// The stored size of the layer with the differences in bytes; 0 if there are none, and so no layer.
    pub added: u64,
    /// Paths in that layer that importers leave out, unless the root of the parent's system is transient or mounted by
    /// composefs.
    pub outside: Vec<String>,
}

/// Writes `commit` as an image on top of `parent`. Nothing names the image before all of it is written.
///
/// # Errors
/// [`ContainerError::Request`] for options and files that such an image cannot have, and those of reading the parent and of
/// writing the image.
pub fn derive(
    (repo, commit): (&Repo, &CommitId),
    parent: &Parent<'_>,
    sink: &dyn ImageSink,
    options: &EncapsulateOptions,
    listener: &dyn Listener,
) -> Result<Derived, ContainerError> {
    if options.content.is_some() {
        return Err(ContainerError::Request(
            "an image on top of another has one layer of its own: no content metadata".into(),
        ));
    }
    let object = load_commit(repo, commit)?;
    let labels = encapsulate::labels(commit, &object, options)?;
    let platform = match &options.platform {
        Some(platform) => platform.clone(),
        None => platform_of(repo, &object)?,
    };
    let mut info = inspect(parent.source, &platform)?;
    let base = Shape::of(&info.manifest, &info.config)?.base;
    let taken_over = bytes_of(parent.source, info.manifest.layers.iter());
    // How much the commit differs is not known before the parent is unpacked.
    let stages = Stages::new(listener, "deriving", (taken_over, info.manifest.layers.len()));
    let below = tree_of(repo, parent, (&info, options), &stages)?;
    stages.last();
    let listener = &stages;
    let difference = diff::difference((repo, &object), (below.0, &below.1))?;
    let own = if listener.looks() { measure(repo, commit, &difference)? } else { 0 };
    let bounded = Bounded::new(listener, taken_over, own);
    let layers = info.manifest.layers.len() + usize::from(difference.tree.is_some());
    listener.event(Event::Start { task: "deriving", bytes: bounded.total(), layers });
    let job = LayerJob::new(sink, options.jobs, &bounded)?;
    let copied = Copied::new(parent.source, listener);
    info.manifest.layers = job.each(&info.manifest.layers, |index, layer| {
        Ok(copied.layer((index, layer), |source| copy_layer(source, sink, layer, job.stop()))?)
    })?;
    let index = info.manifest.layers.len();
    let written = write((&job, index), (repo, commit), &difference, options)?;
    bounded.event(Event::Finishing);
    let made = documents::Made { id: commit, commit: &object, labels, layer: written.as_ref() };
    let digest = documents::store(sink, (&info, parent.image), &made, options)?;
    listener.event(Event::Done);
    Ok(Derived {
        digest,
        layers: info.manifest.layers.len() + usize::from(written.is_some()),
        added: written.map_or(0, |written| written.size),
        // Of an image without a commit, importers keep everything.
        outside: if base.is_some() { difference.outside } else { Vec::new() },
    })
}

/// How long the layer with the differences will be.
fn measure(repo: &Repo, commit: &CommitId, difference: &Difference) -> Result<u64, ContainerError> {
    let Some(tree) = &difference.tree else { return Ok(0) };
    let failed = |source| ContainerError::Layer { layer: format!("of commit {commit}"), source };
    measure_raw_layer(repo, &mut tree.clone(), raw_options(commit, difference)).map_err(failed)
}

fn raw_options<'d>(commit: &CommitId, difference: &'d Difference) -> RawOptions<'d> {
    RawOptions { commit: *commit, implicit: &difference.implicit, factory_var: false }
}

fn write(
    (job, index): (&LayerJob<'_>, usize),
    (repo, commit): (&Repo, &CommitId),
    difference: &Difference,
    options: &EncapsulateOptions,
) -> Result<Option<WrittenLayer>, ContainerError> {
    let Some(tree) = &difference.tree else { return Ok(None) };
    let raw = raw_options(commit, difference);
    let produce = |out: &mut dyn std::io::Write| write_raw_layer(repo, &mut tree.clone(), raw, out).map(|_| ());
    job.write((index, &format!("of commit {commit}")), options.compression, &produce).map(Some)
}

/// The tree of the parent: the one that the repository keeps, if it keeps all files; else the one of the image's layers,
/// which are unpacked for that.
fn tree_of<'r>(
    repo: &'r Repo,
    parent: &Parent<'r>,
    (info, options): (&ImageInfo, &EncapsulateOptions),
    listener: &dyn Listener,
) -> Result<(&'r Repo, Commit), ContainerError> {
    let mut ignore = |_| ();
    let mut prepare_in = |repo| layered::prepare_known(parent.source, parent.image, repo, info.clone(), &mut ignore);
    if let Prepared::Unchanged(stored) = prepare_in(repo)?
        && keeps_all(&stored)
    {
        return Ok((repo, load_commit(repo, &stored.commit)?));
    }
    let scratch = parent.scratch;
    let commit = match prepare_in(scratch)? {
        Prepared::Unchanged(stored) => stored.commit,
        Prepared::Pull(plan) => {
            let pull = PullOptions {
                jobs: options.jobs,
                parallel_fetches: parent.parallel_fetches,
                transaction: TransactionOptions { fsync: Some(false), per_object_fsync: Some(false) },
                skip_special: true,
                all_paths: true,
                ..PullOptions::default()
            };
            layered::import(&plan, &pull, listener)?.commit
        }
    };
    Ok((scratch, load_commit(scratch, &commit)?))
}

/// Whether nothing of an image's derived layers can have been left out: there are none.
fn keeps_all(image: &StoredImage) -> bool {
    let info = image.config.as_ref().map(|config| Shape::of(&image.manifest, config));
    info.is_some_and(|shape| shape.is_ok_and(|shape| shape.derived.is_empty()))
}
