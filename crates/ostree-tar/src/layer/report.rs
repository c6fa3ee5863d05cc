//! What a layer left out, counted and listed.

use std::collections::BTreeMap;

use crate::limits::MAX_LISTED;

/// What was left out.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) filtered: BTreeMap<String, u64>,
    pub(super) filtered_paths: List,
    pub(super) skipped: List,
}

impl Report {
    /// Counts an entry under `name`, and lists its path.
    pub(super) fn filter(&mut self, name: String, path: &str) {
        *self.filtered.entry(name).or_default() += 1;
        self.filtered_paths.add(path);
    }
}

/// A list of paths that ends when it is too long.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) paths: Vec<String>,
    bytes: usize,
}

impl List {
    /// Adds a path, which is relative; listed are absolute ones.
    pub(super) fn add(&mut self, path: &str) {
        self.bytes = self.bytes.saturating_add(path.len());
        if self.bytes <= MAX_LISTED {
            self.paths.push(format!("/{path}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_and_counts_go_on() {
        let mut report = Report::default();
        let path = "x".repeat(MAX_LISTED / 2);
        for _ in 0..4 {
            report.filter("opt".into(), &path);
        }
        assert_eq!(report.filtered["opt"], 4);
        assert_eq!(report.filtered_paths.paths.len(), 2);
    }
}
