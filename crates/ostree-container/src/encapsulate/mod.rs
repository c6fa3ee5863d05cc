//! From a commit to an image.

mod documents;
mod labels;
mod layers;
mod options;
mod plan;

pub(crate) use documents::created;
pub(crate) use labels::labels;
pub use options::EncapsulateOptions;

use oci_image::{Digest, ImageSink};
use ostree_core::walk::load_commit;
use ostree_core::{CommitId, ReadObject};

use crate::architecture::platform_of;
use crate::bounded::Bounded;
use crate::error::ContainerError;
use crate::progress::{Event, Listener};

/// A finished image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encapsulated {
    /// The digest of the manifest.
    pub digest: Digest,
    /// The number of layers.
    pub layers: usize,
    /// The stored size of all layers in bytes.
    pub size: u64,
    /// The uncompressed size of all layers in bytes.
    pub uncompressed: u64,
}

/// Writes `commit` as an image. Nothing names the image before all of it is written.
pub fn encapsulate(
    store: &dyn ReadObject,
    commit: &CommitId,
    sink: &dyn ImageSink,
    options: &EncapsulateOptions,
    listener: &dyn Listener,
) -> Result<Encapsulated, ContainerError> {
    let object = load_commit(store, commit)?;
    let labels = labels(commit, &object, options)?;
    let platform = match &options.platform {
        Some(platform) => platform.clone(),
        None => platform_of(store, &object)?,
    };
    let plan = plan::plan(store, commit, options.content.as_ref())?;
    let bytes = if listener.looks() { plan.bytes(store, commit, options.flavour)? } else { 0 };
    let listener = &Bounded::new(listener, 0, bytes);
    listener.event(Event::Start { task: "encapsulating", bytes, layers: 1 + plan.chunks.len() });
    let layers = layers::write(store, (commit, &object), &plan, (sink, options), listener)?;
    listener.event(Event::Finishing);
    let documents = documents::documents(&object, labels, platform, &layers, options)?;
    let digest = documents::store(sink, &documents)?;
    listener.event(Event::Done);
    Ok(Encapsulated {
        digest,
        layers: layers.len(),
        size: layers.iter().map(|layer| layer.written.size).sum(),
        uncompressed: layers.iter().map(|layer| layer.written.uncompressed).sum(),
    })
}
