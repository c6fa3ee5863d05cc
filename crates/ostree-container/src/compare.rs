//! What the layers of two images have in common.

use std::collections::BTreeMap;
use std::fmt;

use oci_image::{Descriptor, Digest, Manifest};
use ostree_repo::format_size;

/// The difference between the layers of two images, told apart by the digests of their stored bytes. `Display` gives the
/// three lines that the reference program prints, without the last newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// How many layers the new image has.
    pub total: usize,
    /// Their size in bytes.
    pub total_size: u64,
    /// The layers that only the old image has, by digest.
    pub removed: Vec<Descriptor>,
    /// The layers that only the new image has, by digest.
    pub added: Vec<Descriptor>,
}

/// Compares two images.
pub fn compare(old: &Manifest, new: &Manifest) -> Comparison {
    let by_digest = |manifest: &Manifest| -> BTreeMap<Digest, Descriptor> {
        manifest.layers.iter().map(|layer| (layer.digest.clone(), layer.clone())).collect()
    };
    let (before, after) = (by_digest(old), by_digest(new));
    let only_in = |these: &BTreeMap<Digest, Descriptor>, those: &BTreeMap<Digest, Descriptor>| {
        these.iter().filter(|(digest, _)| !those.contains_key(digest)).map(|(_, layer)| layer.clone()).collect()
    };
    Comparison {
        total: new.layers.len(),
        total_size: size(&new.layers),
        removed: only_in(&before, &after),
        added: only_in(&after, &before),
    }
}

/// The stored size of some layers together, in bytes.
pub fn size(layers: &[Descriptor]) -> u64 {
    layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.size))
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (removed, added) = (&self.removed, &self.added);
        writeln!(f, "Total new layers: {:<4}  Size: {}", self.total, format_size(self.total_size))?;
        writeln!(f, "Removed layers:   {:<4}  Size: {}", removed.len(), format_size(size(removed)))?;
        write!(f, "Added layers:     {:<4}  Size: {}", added.len(), format_size(size(added)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_image::media_type;

    fn image(layers: &[(&str, u64)]) -> Manifest {
        let layer =
            |(text, size): &(&str, u64)| Descriptor::new(media_type::OCI_LAYER, Digest::sha256(text.as_bytes()), *size);
        let config = Descriptor::new(media_type::OCI_CONFIG, Digest::sha256(b"c"), 1);
        Manifest::new(config, layers.iter().map(layer).collect())
    }

    #[test]
    fn a_layer_that_stands_twice_counts_once_as_added() {
        let comparison = compare(&image(&[("a", 1), ("b", 20)]), &image(&[("a", 1), ("c", 300), ("c", 300)]));
        let expected = "Total new layers: 3     Size: 601 bytes\nRemoved layers:   1     Size: 20 bytes\n\
                        Added layers:     1     Size: 300 bytes";
        assert_eq!(comparison.to_string(), expected);
    }
}
