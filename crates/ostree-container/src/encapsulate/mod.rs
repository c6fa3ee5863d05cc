//! From a commit to an image.

mod documents;
mod labels;
mod layers;
mod plan;

use std::collections::BTreeMap;

use oci_image::config::ContainerConfig;
use oci_image::layer::Compression;
use oci_image::platform::Platform;
use oci_image::{Digest, ImageSink};
use ostree_core::walk::load_commit;
use ostree_core::{CommitId, ReadObject};
use ostree_tar::Flavour;

use crate::architecture::platform_of;
use crate::contentmeta::ContentMeta;
use crate::error::ContainerError;
use crate::progress::{Event, Listener};

/// What an image is to be like. The same commit with the same options gives the same digests, whatever `jobs` is.
#[derive(Debug, Clone, Default)]
pub struct EncapsulateOptions {
    /// Labels, which are written as annotations too.
    pub labels: BTreeMap<String, String>,
    /// Commit metadata keys that become labels; `true` where the key must be there. Values must be strings.
    pub copy_metadata: Vec<(String, bool)>,
    /// The container configuration to start from.
    pub config: Option<ContainerConfig>,
    /// The default command; else the commit's own, else the one of `config`.
    pub cmd: Option<Vec<String>>,
    /// Which file objects go into which layer; all into one if not set.
    pub content: Option<ContentMeta>,
    /// How layers are compressed.
    pub compression: Compression,
    /// Which variant of the tar format is written.
    pub flavour: Flavour,
    /// What the image runs on; else what the commit's metadata or its programs say.
    pub platform: Option<Platform>,
    /// When the image is said to be made, as RFC 3339 text; else the content metadata's, else the commit's time.
    pub created: Option<String>,
    /// How many threads compress; one for each processor if not set.
    pub jobs: Option<std::num::NonZeroUsize>,
}

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
    let labels = labels::labels(commit, &object, options)?;
    let platform = match &options.platform {
        Some(platform) => platform.clone(),
        None => platform_of(store, &object)?,
    };
    let plan = plan::plan(store, commit, options.content.as_ref())?;
    listener.event(Event::Start { task: "encapsulating", bytes: 0, layers: 1 + plan.chunks.len() });
    let layers = layers::write(store, (commit, &object), plan, (sink, options), listener)?;
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
