//! What several of the image commands say.

use ostree_container::refs::parse_blob_ref;
use ostree_container::stored::GcStats;
use ostree_core::RefName;
use ostree_repo::format_size;
use serde_json::{Value, json};

use crate::exit::warn;
use crate::output::line;

/// Tells what could not be read and did not stop the work.
pub fn problems(problems: &[String]) {
    problems.iter().for_each(|problem| warn(problem));
}

/// Tells how much a removal would free.
pub fn would_free((objects, bytes): (u64, u64)) -> anyhow::Result<()> {
    line(format_args!("Would free: {} ({objects} objects, after a prune)", format_size(bytes)))
}

/// What a removal did or would do, for machines. `freed` counts objects and bytes.
pub fn removal(images: &[impl ToString], gc: &GcStats, freed: Option<(u64, u64)>, dry_run: bool) -> Value {
    let freed = freed.or_else(|| gc.pruned.map(|stats| (stats.deleted, stats.freed)));
    json!({
        "dry-run": dry_run,
        "images": images.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "layers": gc.layers.iter().map(digest).collect::<Vec<_>>(),
        "freed": freed.map(|(objects, bytes)| json!({"objects": objects, "bytes": bytes})),
        "problems": gc.problems,
    })
}

/// The digest of the layer that a ref keeps.
fn digest(name: &RefName) -> String {
    parse_blob_ref(name).map_or_else(|_| name.to_string(), |digest| digest.to_string())
}
