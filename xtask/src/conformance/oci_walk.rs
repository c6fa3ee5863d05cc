//! Describes an OCI directory as text: manifest and config, without what two correct writers may do differently.

use super::tree_walk::hash_file;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The first image of an OCI directory: index, manifest and config as sorted JSON. Blob digests and sizes are checked
/// against the files and then left out, as are history times and diff-ids (these stand as `diff-id N`).
///
/// # Errors
/// Anything unreadable, or a blob that is not what its descriptor says.
pub fn describe(dir: &Path) -> Result<String> {
    let layout = read_json(&dir.join("oci-layout"))?;
    let mut index = read_json(&dir.join("index.json"))?;
    let mut text = String::new();
    writeln!(text, "oci-layout {layout}")?;
    for descriptor in list(&index, "manifests")?.to_owned() {
        let mut manifest = read_json(&checked_blob(dir, &descriptor)?)?;
        let config_descriptor = manifest.get("config").cloned().context("manifest without config")?;
        let mut config = read_json(&checked_blob(dir, &config_descriptor)?)?;
        for layer in list(&manifest, "layers")? {
            checked_blob(dir, layer)?;
        }
        forget_blobs(&mut manifest);
        forget_times(&mut config);
        let diff_ids = take_diff_ids(&mut config);
        let mut shown = format!("manifest {manifest:#}\nconfig {config:#}\n");
        for (number, diff_id) in diff_ids.iter().enumerate() {
            shown = shown.replace(diff_id, &format!("diff-id {number}"));
        }
        writeln!(text, "{shown}{} layers", diff_ids.len())?;
    }
    forget_blobs(&mut index);
    writeln!(text, "index {index:#}")?;
    Ok(text)
}

/// The file of a descriptor's blob, after its size and digest were found right.
fn checked_blob(dir: &Path, descriptor: &Value) -> Result<PathBuf> {
    let digest = descriptor.get("digest").and_then(Value::as_str).context("descriptor without digest")?;
    let hex = digest.strip_prefix("sha256:").context("digest that is not sha256")?;
    let path = dir.join("blobs/sha256").join(hex);
    let size = fs::metadata(&path).with_context(|| format!("looking at blob {digest}"))?.len();
    ensure!(descriptor.get("size").and_then(Value::as_u64) == Some(size), "blob {digest} has {size} bytes");
    let found = hash_file(&path)?;
    ensure!(found == hex, "blob {digest} hashes to {found}");
    Ok(path)
}

fn read_json(path: &Path) -> Result<Value> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("parsing {}", path.display()))
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a [Value]> {
    match value.get(key) {
        Some(Value::Array(items)) => Ok(items),
        _ => bail!("no list `{key}`"),
    }
}

/// Drops digest and size of every descriptor below `value`.
fn forget_blobs(value: &mut Value) {
    match value {
        Value::Object(map) if map.contains_key("digest") => {
            map.remove("digest");
            map.remove("size");
        }
        Value::Object(map) => map.values_mut().for_each(forget_blobs),
        Value::Array(items) => items.iter_mut().for_each(forget_blobs),
        _ => {}
    }
}

fn forget_times(config: &mut Value) {
    let history = config.get_mut("history").and_then(Value::as_array_mut);
    for entry in history.into_iter().flatten().filter_map(Value::as_object_mut) {
        entry.remove("created");
    }
}

fn take_diff_ids(config: &mut Value) -> Vec<String> {
    let rootfs = config.get_mut("rootfs").and_then(Value::as_object_mut);
    let taken = rootfs.and_then(|rootfs: &mut Map<String, Value>| rootfs.remove("diff_ids"));
    let items = taken.and_then(|ids| ids.as_array().cloned()).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
