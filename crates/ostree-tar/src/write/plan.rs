//! Which objects a commit has and where they are checked out: what the layers of an image are planned from.

use std::collections::BTreeMap;

use ostree_core::walk::{load_commit, load_dirmeta, load_dirtree};
use ostree_core::{CommitId, DirMetaId, DirTree, DirTreeId, FileId, Owner, ReadObject, mode};

use super::checkout::Checkout;
use super::walk::{Visitor, walk};
use crate::error::TarError;

/// File objects and their paths in the checkout (no leading slash, `usr/etc` as `etc`), in the order of the tree. A file
/// that is not shown in the checkout, as those below `/sysroot` are not, has no path.
pub type FileMap = BTreeMap<FileId, Vec<String>>;

/// Permissions and owner of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirAttributes {
    /// The permission bits.
    pub permissions: u32,
    /// The owner.
    pub owner: Owner,
}

/// The directories of the checkout by path (no leading slash, `usr/etc` as `etc`; the root is left out).
pub type DirMap = BTreeMap<String, DirAttributes>;

/// Every file object of a commit with its paths.
pub fn files_of(store: &dyn ReadObject, commit: &CommitId) -> Result<FileMap, TarError> {
    let mut plan = Plan { store, files: FileMap::new(), dirs: None };
    plan.walk(commit)?;
    Ok(plan.files)
}

/// Every directory of a commit that is shown in the checkout.
pub fn dirs_of(store: &dyn ReadObject, commit: &CommitId) -> Result<DirMap, TarError> {
    let mut plan = Plan { store, files: FileMap::new(), dirs: Some(DirMap::new()) };
    plan.walk(commit)?;
    Ok(plan.dirs.unwrap_or_default())
}

struct Plan<'a> {
    store: &'a dyn ReadObject,
    files: FileMap,
    /// Where directories are collected, if they are asked for; files are collected otherwise.
    dirs: Option<DirMap>,
}

impl Plan<'_> {
    fn walk(&mut self, id: &CommitId) -> Result<(), TarError> {
        let failed = TarError::export(id.object());
        let commit = load_commit(self.store, id).map_err(failed)?;
        let mut checkout = Checkout::new(self.store, &commit).map_err(failed)?;
        walk(commit.root_tree, &mut checkout, self)
    }
}

impl Visitor for Plan<'_> {
    fn dirtree(&mut self, id: &DirTreeId) -> Result<DirTree, TarError> {
        load_dirtree(self.store, id).map_err(TarError::export(id.object()))
    }

    fn file(&mut self, id: &FileId, shown: Option<&str>) -> Result<(), TarError> {
        if self.dirs.is_none() {
            self.files.entry(*id).or_default().extend(shown.map(str::to_owned));
        }
        Ok(())
    }

    fn dir(&mut self, id: &DirMetaId, shown: Option<&str>) -> Result<(), TarError> {
        if let (Some(dirs), Some(path)) = (&mut self.dirs, shown) {
            let failed = TarError::export(id.object());
            let meta = load_dirmeta(self.store, id).map_err(failed)?;
            let attributes = DirAttributes { permissions: meta.mode & mode::PERMISSION_MASK, owner: meta.owner };
            dirs.insert(path.to_owned(), attributes);
        }
        Ok(())
    }
}
