//! The warning about what was left out of an image's layers.

use std::collections::BTreeMap;

use crate::exit::warn;

/// Tells how many entries were left out, by name, if there were any.
pub fn tell_filtered(counts: &BTreeMap<String, u64>) {
    if !counts.is_empty() {
        let list: Vec<String> = counts.iter().map(|(name, count)| format!("{name}: {count}")).collect();
        warn(&format!("Image contains non-ostree compatible file paths: {}", list.join(" ")));
    }
}
