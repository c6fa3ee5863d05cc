//! What pulling an image would take, before anything is fetched but its documents.

use std::collections::BTreeSet;

use oci_image::platform::Platform;
use oci_image::{Descriptor, ImageReference, ImageSource};
use ostree_core::RefName;
use ostree_repo::Repo;
use ostree_repo::partial::{self, CommitState};

use crate::error::ContainerError;
use crate::inspect::{ImageInfo, inspect};
use crate::layered::present::{Kept, Present};
use crate::need::Need;
use crate::pull::finished::AtHand;
use crate::pull::received::{bytes_of, known_form};
use crate::refs::{blob_ref, image_ref};
use crate::shape::{Layer, Shape};
use crate::space::Coming;
use crate::stored::{self, CachedUpdate, GcOptions, StoredImage};

/// What there is to do.
pub enum Prepared<'a> {
    /// Nothing: this is the stored image.
    Unchanged(Box<StoredImage>),
    /// The image is to be pulled.
    Pull(Box<Plan<'a>>),
}

/// A layer of the image, and what the repository has of it.
#[derive(Debug, Clone)]
pub struct PlannedLayer {
    /// The layer.
    pub layer: Layer,
    /// What is there already.
    pub(super) kept: Option<Kept>,
}

impl PlannedLayer {
    /// Whether it need not be fetched.
    pub fn is_present(&self) -> bool {
        self.kept.is_some()
    }
}

/// A pull that is ready to begin.
pub struct Plan<'a> {
    pub(super) source: &'a dyn ImageSource,
    pub(super) repo: &'a Repo,
    pub(super) image: &'a ImageReference,
    /// The image's documents.
    pub info: ImageInfo,
    /// The stored image of the same name that this one replaces.
    pub previous: Option<StoredImage>,
    /// How many of the layers, counted from the first, hold the encapsulated commit.
    pub base_layers: usize,
    /// All layers, the lowest first.
    pub layers: Vec<PlannedLayer>,
    /// What a pull that was interrupted has read.
    pub(super) at_hand: AtHand,
}

/// Reads the documents of `image` and compares them with what `repo` has of it. A stored image that cannot be read counts as
/// absent; the listener of the problems is told why.
pub fn prepare<'a>(
    source: &'a dyn ImageSource,
    image: &'a ImageReference,
    repo: &'a Repo,
    platform: &Platform,
    problem: &mut dyn FnMut(ContainerError),
) -> Result<Prepared<'a>, ContainerError> {
    prepare_known(source, image, repo, inspect(source, platform)?, problem)
}

/// As [`prepare()`], of an image whose documents have been read.
pub fn prepare_known<'a>(
    source: &'a dyn ImageSource,
    image: &'a ImageReference,
    repo: &'a Repo,
    info: ImageInfo,
    problem: &mut dyn FnMut(ContainerError),
) -> Result<Prepared<'a>, ContainerError> {
    let previous = stored::find(repo, image).unwrap_or_else(|error| {
        problem(error);
        None
    });
    if let Some(stored) = &previous
        && is_same(stored, &info)
        && stored.problems.is_empty()
        && partial::state(repo, &stored.commit)? == CommitState::Complete
    {
        return Ok(Prepared::Unchanged(Box::new(stored.clone())));
    }
    let shape = Shape::of(&info.manifest, &info.config)?;
    let base_layers = shape.base.as_ref().map_or(0, |base| base.iter().count());
    let present = Present::new(repo)?;
    let base = shape.base.iter().flat_map(|base| base.iter());
    let mut layers = Vec::new();
    for (index, layer) in base.chain(&shape.derived).enumerate() {
        let kept = present.find(layer).filter(|kept| match kept {
            Kept::Commit(_) => index == 0 && base_layers > 0,
            Kept::Chunk(..) => index > 0 && index < base_layers,
            Kept::Derived(..) => index >= base_layers,
        });
        layers.push(PlannedLayer { layer: layer.clone(), kept });
    }
    let missing = layers.iter().filter(|layer| !layer.is_present()).map(|planned| &planned.layer.descriptor);
    let at_hand = AtHand::of(repo, missing)?;
    Ok(Prepared::Pull(Box::new(Plan { source, repo, image, info, previous, base_layers, layers, at_hand })))
}

/// Whether the stored image is this one: by manifest, or by configuration, which names all layers.
fn is_same(stored: &StoredImage, info: &ImageInfo) -> bool {
    stored.manifest_digest == info.raw_manifest.digest || stored.manifest.config.digest == info.manifest.config.digest
}

impl Plan<'_> {
    /// How many layers are there already.
    pub fn present(&self) -> usize {
        self.layers.iter().filter(|layer| layer.is_present()).count()
    }

    /// The layers that must be fetched, each with its position.
    pub fn missing(&self) -> impl Iterator<Item = (usize, &Layer)> {
        let missing = self.layers.iter().enumerate().filter(|(_, layer)| !layer.is_present());
        missing.map(|(index, layer)| (index, &layer.layer))
    }

    /// How many layers must be fetched.
    pub fn needed(&self) -> usize {
        self.missing().count()
    }

    /// How many bytes must be fetched.
    pub fn needed_bytes(&self) -> u64 {
        bytes_of(self.source, self.missing().map(|(_, layer)| &layer.descriptor))
    }

    /// A layer in the form in which the source has it, which is what is fetched: a storage has unpacked what its manifest names.
    pub fn stored(&self, layer: &PlannedLayer) -> Descriptor {
        known_form(self.source, &layer.layer.descriptor)
    }

    /// How many bytes of a layer are at hand from a pull that was interrupted.
    pub fn kept_bytes(&self, layer: &PlannedLayer) -> u64 {
        let stored = self.source.stored_as(&layer.layer.descriptor).ok().filter(|_| !layer.is_present());
        if self.at_hand.has(&layer.layer.descriptor) {
            return stored.map_or(0, |stored| stored.size);
        }
        let partials = self.source.partials();
        stored.zip(partials).map_or(0, |(stored, partials)| partials.at_hand(&stored))
    }

    /// How many bytes must still come: what is needed but not at hand.
    pub fn bytes_to_come(&self) -> u64 {
        self.needed_bytes().saturating_sub(self.layers.iter().map(|layer| self.kept_bytes(layer)).sum())
    }

    /// The layers that must be fetched, as what they take in the repository is looked at.
    pub fn coming(&self) -> Coming<'_> {
        let layers = self.missing().map(|(_, layer)| &layer.descriptor);
        Coming::new(self.repo, self.source, layers, &self.at_hand)
    }

    /// What the layers that must be fetched will take in the repository.
    pub fn need(&self) -> Need {
        self.coming().need()
    }

    /// How many bytes a prune of the repository would free when this image is in the place of the stored one, at most: what
    /// the layers to come have in common with those that go is not known.
    ///
    /// # Errors
    /// Those of walking through all commits.
    pub fn freed_by_prune(&self) -> Result<u64, ContainerError> {
        if self.previous.is_none() {
            return Ok(0);
        }
        let without_images = BTreeSet::from([image_ref(self.image)?]);
        let options = GcOptions { dry_run: true, without_images: without_images.clone(), ..GcOptions::default() };
        let mut gone: BTreeSet<RefName> = stored::collect(self.repo, &options)?.layers.into_iter().collect();
        for planned in &self.layers {
            gone.remove(&blob_ref(&planned.layer.descriptor.digest));
        }
        gone.extend(without_images);
        Ok(stored::freed_without(self.repo, gone)?.1)
    }

    /// Notes this image with the stored one that it is to replace, so that programs see the update without asking the source.
    pub fn remember(&self) -> Result<(), ContainerError> {
        let Some(previous) = &self.previous else { return Ok(()) };
        let update = CachedUpdate {
            manifest_digest: self.info.raw_manifest.digest.clone(),
            manifest: self.info.manifest.to_oci(),
            config: self.info.config.clone(),
        };
        stored::set_cached_update(self.repo, &previous.commit, &update)
    }
}
