//! The whole job in a root that holds the binary and the data and nothing else.

use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};

use super::trust;
use crate::job::Job;
use crate::sh::{self, cmd};
use crate::{peers, units};

/// Where the binary stands in its root.
const BINARY: &str = "/ostree-container";

/// Lets `binary` do the whole job in an empty root and prints how it went.
///
/// # Errors
/// The root cannot be made or entered, or a step fails in it.
pub fn try_out(binary: &Path) -> Result<()> {
    let root = sh::fresh_dir("empty-root")?;
    std::fs::copy(binary, root.join(&BINARY[1..])).with_context(|| format!("copy {}", binary.display()))?;
    fill(&root.join("data/tree"))?;
    std::fs::create_dir(root.join("work")).context("make a folder in the empty root")?;
    let enter = || match peers::is_root() {
        true => cmd("chroot").arg(&root).arg(BINARY),
        false => cmd("unshare").args(["--map-root-user", "--root"]).arg(&root).arg(BINARY),
    };
    // Outside of its user namespace nobody but root may set an owner: the mode that keeps owners in xattrs it is.
    let mode = if peers::is_root() { "bare" } else { "bare-user" };
    let (work, tree) = ("/work".into(), "/data/tree".into());
    let done = Job { binary: &enter, work, tree, mode, commit_options: Vec::new() }.run()?;
    println!("in an empty root, repositories of mode {mode}:");
    for step in &done.steps {
        println!("  {:<15} {:>8}", step.title, units::seconds(step.time));
    }
    println!("  the same commit on both sides: {}", done.commit);
    trust::try_out(&root, &enter, mode)?;
    sh::remove_tree(&root)
}

/// A tree with files of many sizes, links, an empty folder and odd names.
fn fill(tree: &Path) -> Result<()> {
    let write = |path: String, contents: Vec<u8>| -> Result<()> {
        let file = tree.join(path);
        std::fs::create_dir_all(file.parent().unwrap_or(tree)).context("make a sample folder")?;
        std::fs::write(&file, contents).with_context(|| format!("write {}", file.display()))
    };
    for number in 0..400u64 {
        let length = (number * number * 37) as usize;
        let contents = (0..length as u64).map(|at| (at.wrapping_mul(number) >> 3) as u8).collect();
        write(format!("usr/lib/part-{}/file {number} ä", number % 17), contents)?;
    }
    write("usr/etc/empty".into(), Vec::new())?;
    std::fs::create_dir_all(tree.join("sysroot")).context("make a sample folder")?;
    symlink("usr/lib", tree.join("lib")).context("make a sample link")?;
    Ok(())
}
