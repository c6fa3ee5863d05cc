//! Finding files and directories in a commit by path.

use anyhow::{Result, bail};
use ostree_core::walk::{load_commit, load_dirtree};
use ostree_core::{CommitId, DirMetaId, DirTreeId, FileId, ReadObject};

/// What a path in a commit leads to.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// A directory.
    Dir(DirTreeId, DirMetaId),
    /// A file.
    File(FileId),
}

/// Finds `path`, which counts from the root of `commit`; empty components and `.` are passed over, `..` goes up.
pub fn find(store: &dyn ReadObject, commit: &CommitId, path: &str) -> Result<Target> {
    let commit = load_commit(store, commit)?;
    let mut at = Target::Dir(commit.root_tree, commit.root_meta);
    for name in components(path) {
        let Target::Dir(tree, _) = at else { bail!("Not a directory") };
        let tree = load_dirtree(store, &tree)?;
        at = match (tree.file(name), tree.dir(name)) {
            (Some(entry), _) => Target::File(entry.file),
            (None, Some(entry)) => Target::Dir(entry.tree, entry.meta),
            (None, None) => bail!("No such file or directory: {}", absolute(path)),
        };
    }
    Ok(at)
}

/// The path from the root without needless parts, `/` for the root itself.
pub fn absolute(path: &str) -> String {
    format!("/{}", components(path).join("/"))
}

fn components(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts
}
