//! Recognising files that are hardlinks to objects, so that a checkout is committed again without being read.

use std::collections::HashMap;

use ostree_core::{FileId, ObjectKind};
use rustix::fs::{AtFlags, Stat};

use crate::error::RepoError;
use crate::list;
use crate::mode::RepoMode;
use crate::repo::Repo;

/// How far a hardlink to an object is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It has the object's content; its attributes are looked at (`--link-checkout-speedup`).
    Content,
    /// It is the object, whatever the modifier says (`--devino-canonical`).
    Everything,
}

/// File objects by device and inode, both in full width.
#[derive(Debug)]
pub struct DevInoCache {
    by_inode: HashMap<(u64, u64), FileId>,
    /// How far a hit is trusted.
    pub trust: Trust,
}

impl DevInoCache {
    /// Looks at every file object of `repo` and its parents. Symlinks and empty files are left out: checkouts never
    /// hardlink those. An archive has nothing that a checkout could link to.
    pub fn scan(repo: &Repo, trust: Trust) -> Result<Self, RepoError> {
        let mut by_inode = HashMap::new();
        let mut next = Some(repo);
        while let Some(repo) = next {
            if repo.mode() != RepoMode::Archive {
                scan_one(repo, &mut by_inode)?;
            }
            next = repo.parent();
        }
        Ok(Self { by_inode, trust })
    }

    /// The object that the file with this status is a hardlink to.
    pub fn lookup(&self, stat: &Stat) -> Option<FileId> {
        self.by_inode.get(&(stat.st_dev, stat.st_ino)).copied()
    }
}

fn scan_one(repo: &Repo, by_inode: &mut HashMap<(u64, u64), FileId>) -> Result<(), RepoError> {
    for prefix in list::prefixes() {
        for name in list::objects_in(repo, &prefix)? {
            if name.kind != ObjectKind::File {
                continue;
            }
            let path = repo.loose_path(&name);
            let stat = rustix::fs::statat(repo.objects(), &path, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|e| repo.objects().fail("querying", &path, e))?;
            by_inode.insert((stat.st_dev, stat.st_ino), FileId::new(name.checksum));
        }
    }
    Ok(())
}
