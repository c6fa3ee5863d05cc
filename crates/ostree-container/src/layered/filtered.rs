//! What was left out of layers, and the refusal of images of which something was.

use std::collections::BTreeMap;

use oci_image::Digest;
use ostree_core::walk;
use ostree_repo::Repo;

use crate::error::ContainerError;
use crate::layered::notes::Notes;
use crate::stored::StoredImage;

/// How many entries were left out of the layers of a stored image, by layer and name, as far as their commits say it: those
/// that other programs wrote do not.
pub fn filtered(repo: &Repo, image: &StoredImage) -> Result<BTreeMap<Digest, BTreeMap<String, u64>>, ContainerError> {
    let mut counts = BTreeMap::new();
    for layer in &image.layers {
        let Some(id) = &layer.commit else { continue };
        let commit = walk::load_commit(repo, id)?;
        // Notes that cannot be read are those of a layer that the next pull reads again.
        let notes = Notes::read(&commit.metadata).and_then(Result::ok);
        if let Some(notes) = notes.filter(|notes| !notes.filtered.is_empty()) {
            counts.insert(layer.descriptor.digest.clone(), notes.filtered);
        }
    }
    Ok(counts)
}

/// The counts of several layers together.
pub fn by_name<'c>(layers: impl IntoIterator<Item = &'c BTreeMap<String, u64>>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (name, count) in layers.into_iter().flatten() {
        *counts.entry(name.clone()).or_default() += count;
    }
    counts
}

/// Refuses an image of which entries were left out.
///
/// # Errors
/// There are any; they are named with their numbers.
pub fn refuse_filtered<'c>(layers: impl IntoIterator<Item = &'c BTreeMap<String, u64>>) -> Result<(), ContainerError> {
    let counts = by_name(layers);
    if counts.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = counts.iter().map(|(name, count)| format!("{name}: {count}")).collect();
    Err(ContainerError::Filtered { list: list.join(", ") })
}
