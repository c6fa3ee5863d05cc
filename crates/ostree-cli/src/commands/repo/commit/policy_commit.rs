//! The files of an SELinux policy in a commit.

use std::io::{self, Read};

use ostree_core::walk::{load_commit, load_dirtree};
use ostree_core::{CommitId, ReadObject};
use ostree_selinux::PolicyFiles;
use ostree_selinux::limits::MAX_FILE_SIZE;

/// How many symlinks a path may lead over, as in Linux.
const MAX_LINKS: usize = 40;

/// A commit that may have a policy, in `usr/etc` alone: the reference program does not look into `etc` either.
pub struct CommitPolicy<'s> {
    /// Where the commit is.
    pub store: &'s dyn ReadObject,
    /// The commit.
    pub commit: CommitId,
}

impl PolicyFiles for CommitPolicy<'_> {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let root = load_commit(self.store, &self.commit).map_err(io::Error::other)?.root_tree;
        let mut dirs = vec![root];
        let mut pending = names_reversed(path);
        let mut links = 0;
        while let Some(name) = pending.pop() {
            if name == ".." {
                dirs.truncate(dirs.len().saturating_sub(1).max(1));
                continue;
            }
            let here = load_dirtree(self.store, dirs.last().unwrap_or(&root)).map_err(io::Error::other)?;
            if let Some(dir) = here.dir(&name) {
                dirs.push(dir.tree);
                continue;
            }
            let Some(entry) = here.file(&name) else { return Ok(None) };
            let object = self.store.read_file(&entry.file).map_err(io::Error::other)?;
            let object = object.ok_or_else(|| io::Error::other(format!("object {} is not there", entry.file)))?;
            if object.header.is_symlink() {
                links += 1;
                if links > MAX_LINKS {
                    return Err(io::Error::other("too many symlinks"));
                }
                let target = &object.header.symlink_target;
                if target.starts_with('/') {
                    dirs.truncate(1);
                }
                pending.extend(names_reversed(target));
            } else if pending.is_empty() {
                let mut bytes = Vec::new();
                if let Some(content) = object.content {
                    content.take(MAX_FILE_SIZE as u64 + 1).read_to_end(&mut bytes)?;
                }
                return Ok(Some(bytes));
            } else {
                return Ok(None);
            }
        }
        Err(io::ErrorKind::IsADirectory.into())
    }

    fn exists(&self, _path: &str) -> io::Result<bool> {
        Ok(false)
    }
}

/// The names of a path, the first of them last.
fn names_reversed(path: &str) -> Vec<String> {
    path.rsplit('/').filter(|name| !name.is_empty() && *name != ".").map(str::to_owned).collect()
}
