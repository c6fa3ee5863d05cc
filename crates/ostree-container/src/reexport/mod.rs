//! A stored image as an image again, anywhere.
//!
//! The layers of the encapsulated commit are written from the commit and from what each chunk is known to hold, in the
//! variant of the format whose bytes have the digest that the image's configuration names. So they are the layers that were
//! pulled, wherever a known program wrote them. Derived layers are written anew, as ordinary archives of the trees they
//! became. Where all layers come out byte by byte, the original documents are written, and the image has its old digest.

mod content;
mod documents;
mod lower;
mod plan;
mod probe;

use std::num::NonZeroUsize;

use oci_image::{Compression, Digest, ImageSink};
use ostree_repo::Repo;

use crate::bounded::Bounded;
use crate::error::ContainerError;
use crate::progress::{Event, Listener};
use crate::reexport::documents::NewLayer;
use crate::reexport::plan::{Plan, PlannedLayer};
use crate::stored::StoredImage;
use crate::write_layer::LayerJob;

/// How a stored image is written.
#[derive(Debug, Clone, Default)]
pub struct ReexportOptions {
    /// How layers are compressed; if not set, as the image's layers are, at the level that gives their digests, if any does.
    pub compression: Option<Compression>,
    /// How many threads compress; one for each processor if not set. The image does not depend on it.
    pub jobs: Option<NonZeroUsize>,
}

/// A written image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reexported {
    /// The digest of the manifest.
    pub digest: Digest,
    /// Whether this is the image that was pulled, byte by byte.
    pub original: bool,
    /// How many layers have the digest of their uncompressed bytes that the pulled image's had.
    pub same_diff_ids: usize,
    /// The number of layers.
    pub layers: usize,
}

/// Writes a stored image to `sink`. Layers that the sink has under their old digests are left as they are.
///
/// # Errors
/// [`ContainerError::Request`] for a layer that is not in the repository, [`ContainerError::Layer`] for one that cannot be
/// written, and those of the sink.
pub fn reexport(
    repo: &Repo,
    image: &StoredImage,
    sink: &dyn ImageSink,
    options: &ReexportOptions,
    listener: &dyn Listener,
) -> Result<Reexported, ContainerError> {
    let plan = plan::plan(repo, image)?;
    let there = there(&plan, sink, options)?;
    let bytes = if listener.looks() { plan.bytes(|index| matches!(there.get(index), Some(None)))? } else { 0 };
    let listener = &Bounded::new(listener, 0, bytes);
    listener.event(Event::Start { task: "re-exporting", bytes, layers: plan.layers.len() });
    let layers = write_layers(&plan, there, (sink, options), listener)?;
    listener.event(Event::Finishing);
    let documents = documents::documents(repo, image, &layers, plan.base_layers)?;
    let digest = documents.store(sink)?;
    listener.event(Event::Done);
    let same = |(layer, old): (&NewLayer, &PlannedLayer)| Some(&layer.diff_id) == old.diff_id.as_ref();
    Ok(Reexported {
        digest,
        original: documents.original,
        same_diff_ids: layers.iter().zip(&plan.layers).filter(|pair| same(*pair)).count(),
        layers: layers.len(),
    })
}

fn write_layers(
    plan: &Plan<'_>,
    there: Vec<Option<NewLayer>>,
    (sink, options): (&dyn ImageSink, &ReexportOptions),
    listener: &dyn Listener,
) -> Result<Vec<NewLayer>, ContainerError> {
    let job = LayerJob::new(sink, options.jobs, listener)?;
    let recipe = match there.contains(&None) {
        true => probe::recipe(plan, &job, options.compression)?,
        false => probe::Recipe::default(),
    };
    let layers: Vec<_> = plan.layers.iter().zip(there).collect();
    job.each(&layers, |index, (layer, there)| {
        let name = layer.descriptor.digest.to_string();
        if let Some(found) = there {
            job.at_hand(index, &name, found.descriptor.size);
            return Ok(found.clone());
        }
        let produce = |out: &mut dyn std::io::Write| plan.produce(layer, recipe.variant, out);
        let written = job.write((index, &name), recipe.compression, &produce)?;
        Ok(NewLayer { descriptor: written.descriptor(), diff_id: written.diff_id })
    })
}

/// The layers as they were pulled, as far as the sink has them and no other compression is asked for.
fn there(
    plan: &Plan<'_>,
    sink: &dyn ImageSink,
    options: &ReexportOptions,
) -> Result<Vec<Option<NewLayer>>, ContainerError> {
    let old = |layer: &PlannedLayer| {
        let wanted = options.compression.is_none_or(|wanted| layer.compression() == Some(wanted.layer_compression()));
        let diff_id = layer.diff_id.clone().filter(|_| wanted)?;
        Some(NewLayer { descriptor: layer.descriptor.clone(), diff_id })
    };
    let old: Vec<_> = plan.layers.iter().map(old).collect();
    let asked: Vec<_> = old.iter().flatten().map(|layer| layer.descriptor.clone()).collect();
    let mut found = sink.has_blobs(&asked)?.into_iter();
    Ok(old.into_iter().map(|layer| layer.filter(|_| found.next() == Some(true))).collect())
}
