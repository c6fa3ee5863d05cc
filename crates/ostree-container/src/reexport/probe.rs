//! Which variant of the format, and which level of compression, gives the bytes that an image's layers had.

use std::cmp::Reverse;

use oci_image::media_type::LayerCompression;
use oci_image::{Compression, Descriptor};

use crate::error::ContainerError;
use crate::limits::MAX_PROBED_LAYER;
use crate::reexport::content::Variant;
use crate::reexport::plan::{Plan, PlannedLayer};
use crate::write_layer::LayerJob;

/// Levels of gzip, the likeliest first.
const GZIP_LEVELS: [u32; 9] = [5, 6, 1, 9, 4, 3, 2, 7, 8];
/// Levels of zstd, the likeliest first.
const ZSTD_LEVELS: [i32; 7] = [2, 3, 1, 6, 9, 12, 19];

/// How layers are written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recipe {
    /// The variant of the format.
    pub variant: Variant,
    /// How they are compressed.
    pub compression: Compression,
}

/// Writes one layer in every way that it may have been written, to nowhere, and compares digests. What nothing fits is
/// written in our own way, with the kind of compression that the layers had.
pub fn recipe(plan: &Plan<'_>, job: &LayerJob<'_>, wanted: Option<Compression>) -> Result<Recipe, ContainerError> {
    let mut recipe = Recipe { variant: Variant::default(), compression: wanted.unwrap_or_default() };
    let Some(layer) = sample(plan) else { return Ok(recipe) };
    let kind = layer.compression();
    if wanted.is_none() {
        recipe.compression = likely(kind).next().unwrap_or_default();
    }
    for variant in layer.content.variants() {
        let produce = |out: &mut dyn std::io::Write| plan.produce(layer, *variant, out);
        let measured = job.measure("to compare", Compression::None, &produce)?;
        if Some(&measured.diff_id) != layer.diff_id.as_ref() {
            continue;
        }
        recipe.variant = *variant;
        if wanted.is_none() && measured.uncompressed <= MAX_PROBED_LAYER {
            recipe.compression = compression(plan, job, layer, *variant)?.unwrap_or(recipe.compression);
        }
        break;
    }
    Ok(recipe)
}

/// The compression that gives the layer's stored bytes.
fn compression(
    plan: &Plan<'_>,
    job: &LayerJob<'_>,
    layer: &PlannedLayer,
    variant: Variant,
) -> Result<Option<Compression>, ContainerError> {
    let Descriptor { digest, .. } = &layer.descriptor;
    let produce = |out: &mut dyn std::io::Write| plan.produce(layer, variant, out);
    for compression in likely(layer.compression()) {
        if job.measure("to compare", compression, &produce)?.digest == *digest {
            return Ok(Some(compression));
        }
    }
    Ok(None)
}

/// The layer that tells the most variants apart; of several, the smallest.
fn sample<'p>(plan: &'p Plan<'_>) -> Option<&'p PlannedLayer> {
    let known = plan.layers.iter().filter(|layer| layer.diff_id.is_some());
    known.min_by_key(|layer| (Reverse(layer.content.variants().len()), layer.descriptor.size))
}

fn likely(kind: Option<LayerCompression>) -> Box<dyn Iterator<Item = Compression>> {
    match kind {
        Some(LayerCompression::None) => Box::new(std::iter::once(Compression::None)),
        Some(LayerCompression::Zstd) => Box::new(ZSTD_LEVELS.into_iter().map(Compression::Zstd)),
        Some(LayerCompression::Gzip) | None => Box::new(GZIP_LEVELS.into_iter().map(Compression::Gzip)),
    }
}
