//! Picks a tree of this host that is worth showing and that the caller may read.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// A tree, and what of it cannot be committed.
#[derive(Debug, Default)]
pub struct Choice {
    /// The tree's top.
    pub dir: PathBuf,
    /// Readable regular files.
    pub files: u64,
    /// The sum of their lengths.
    pub bytes: u64,
    /// Devices, sockets, and what the caller may not read, as paths from the top that begin with `/`.
    skipped: Vec<String>,
    /// Its folders, looked at in the same way.
    children: Vec<Choice>,
}

impl Choice {
    /// One path a line, as `--skip-list` reads it.
    pub fn skip_list(&self) -> String {
        self.skipped.iter().map(|path| format!("{path}\n")).collect()
    }
}

/// The tree `dir` as it was asked for.
///
/// # Errors
/// It is no readable directory.
pub fn given(dir: &Path) -> Result<Choice> {
    let dir = dir.canonicalize().with_context(|| format!("find {}", dir.display()))?;
    ensure!(dir.is_dir(), "{} is not a directory", dir.display());
    look(&dir).with_context(|| format!("{} cannot be read or holds names that are not text", dir.display()))
}

/// `top`, or the largest folder below it with at most `limit` bytes.
///
/// # Errors
/// `top` is no readable directory.
pub fn below(top: &Path, limit: u64) -> Result<Choice> {
    let whole = given(top)?;
    largest(whole, limit).with_context(|| format!("no folder in {} has at most {limit} bytes", top.display()))
}

fn largest(choice: Choice, limit: u64) -> Option<Choice> {
    if choice.bytes <= limit {
        return Some(choice);
    }
    choice.children.into_iter().filter_map(|child| largest(child, limit)).max_by_key(|choice| choice.bytes)
}

fn look(dir: &Path) -> Option<Choice> {
    let mut choice = Choice { dir: dir.to_owned(), ..Choice::default() };
    for entry in std::fs::read_dir(dir).ok()?.flatten() {
        let name = entry.file_name();
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        // A name that is not text cannot stand in a commit or on a list.
        let name = name.to_str()?;
        if kind.is_dir() {
            match look(&path) {
                Some(child) => choice.add(name, child),
                None => choice.skipped.push(format!("/{name}")),
            }
        } else if kind.is_file() && is_readable(&path) {
            choice.files += 1;
            choice.bytes += entry.metadata().map_or(0, |meta| meta.len());
        } else if !kind.is_symlink() {
            choice.skipped.push(format!("/{name}"));
        }
    }
    Some(choice)
}

impl Choice {
    fn add(&mut self, name: &str, child: Choice) {
        self.files += child.files;
        self.bytes += child.bytes;
        self.skipped.extend(child.skipped.iter().map(|path| format!("/{name}{path}")));
        self.children.push(child);
    }
}

/// Opening every file would be slow: only those that not everybody may read are tried.
fn is_readable(path: &Path) -> bool {
    let open_to_all = path.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0);
    open_to_all || std::fs::File::open(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sh;

    #[test]
    fn the_largest_folder_within_the_limit_is_picked_and_the_unreadable_is_listed() {
        let top = sh::fresh_dir("pick-test").unwrap();
        for (path, length) in [("a/x/one", 50), ("a/y/two", 30), ("b/three", 40)] {
            let file = top.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, vec![0; length]).unwrap();
        }
        drop(std::os::unix::net::UnixListener::bind(top.join("a/x/socket")).unwrap());
        assert_eq!(below(&top, 200).unwrap().bytes, 120);
        let picked = below(&top, 60).unwrap();
        assert!(picked.dir.ends_with("a/x"), "{picked:?}");
        assert_eq!(picked.skip_list(), "/socket\n");
        assert_eq!(given(&top).unwrap().skip_list(), "/a/x/socket\n");
        assert!(below(&top, 10).is_err());
        sh::remove_tree(&top).unwrap();
    }
}
