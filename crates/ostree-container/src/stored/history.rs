//! How the layers of a stored image came to be.

use oci_image::Digest;
use oci_image::config::History;
use ostree_core::CommitId;

use crate::stored::image::StoredImage;

/// A layer with its step of the image's making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// The digest of the layer's stored bytes.
    pub digest: Digest,
    /// The length of the layer's stored bytes.
    pub size: u64,
    /// The commit that holds its content, where it is there.
    pub commit: Option<CommitId>,
    /// The step that made it, where the configuration tells.
    pub step: Option<History>,
}

/// The layers, the lowest first. Steps that made no layer are left out, unless each layer has a step of its own only when
/// they are counted in: some programs set the mark at random.
pub fn history(image: &StoredImage) -> Vec<HistoryRow> {
    let steps = image.config.as_ref().map(|config| config.history.as_slice()).unwrap_or_default();
    let with_layer: Vec<&History> = steps.iter().filter(|step| !step.empty_layer).collect();
    let all_count = with_layer.len() != image.layers.len() && steps.len() == image.layers.len();
    let steps = if all_count { steps.iter().collect() } else { with_layer };
    let row = |(index, layer): (usize, &crate::stored::image::StoredLayer)| HistoryRow {
        digest: layer.descriptor.digest.clone(),
        size: layer.descriptor.size,
        commit: layer.commit,
        step: steps.get(index).map(|step| (*step).clone()),
    };
    image.layers.iter().enumerate().map(row).collect()
}
