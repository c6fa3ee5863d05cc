//! Takes away what a run leaves behind, also one that ended early: mounts, processes' directories, older leftovers.

use crate::sh::{self, cmd};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// What directories of runs are called, before the process id.
pub const PREFIX: &str = "conformance-";

/// Removes a tree after unmounting whatever a case left mounted in it.
///
/// # Errors
/// Something in it cannot be removed.
pub fn remove(dir: &Path) -> Result<()> {
    for point in mounts_below(dir)? {
        cmd("umount").arg("-l").arg(&point).run()?;
    }
    // A tree may be thousands of directories deep, too deep for the standard library's way on a thread's stack.
    if cmd("rm").args(["-rf", "--"]).arg(dir).succeeds() { Ok(()) } else { sh::remove_tree(dir) }
}

/// Removes the directories of earlier suites that were stopped before they could do so themselves.
///
/// # Errors
/// The parent cannot be listed, or a leftover cannot be removed.
pub fn remove_leftovers(parent: &Path) -> Result<()> {
    for entry in std::fs::read_dir(parent).with_context(|| format!("listing {}", parent.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(process) = name.strip_prefix(PREFIX).and_then(|id| id.parse::<u32>().ok()) else { continue };
        if !Path::new("/proc").join(process.to_string()).exists() {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Mount points below `dir`, the latest first.
fn mounts_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").context("reading the mount table")?;
    let points = table.lines().filter_map(|line| line.split(' ').nth(4)).map(PathBuf::from);
    let mut below: Vec<PathBuf> = points.filter(|point| point.starts_with(dir)).collect();
    below.reverse();
    Ok(below)
}
