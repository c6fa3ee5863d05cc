//! What a checkout is asked to do and what it says it did.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::RepoError;
use crate::mode::RepoMode;
use crate::repo::Repo;

/// Whether files may share their data with the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkPolicy {
    /// Hardlink where repository and checkout mode allow it, copy elsewhere.
    #[default]
    Any,
    /// Fail where a hardlink is impossible (`--require-hardlinks`). Empty files, files that a user checkout must make
    /// readable, and symlinks of user-mode repositories are still made anew.
    RequireHardlinks,
    /// Never hardlink (`--force-copy`); reflinks are used where the file system has them. The times of directories are
    /// then left as they are.
    ForceCopy,
}

/// What happens where the destination has something already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnionMode {
    /// The destination must not exist; it appears whole or not at all.
    #[default]
    None,
    /// Existing directories stay as they are, existing files are replaced (`--union`).
    Replace,
    /// Existing directories and files stay (`--union-add`).
    Add,
    /// Existing directories stay, existing files must be the same as the commit's (`--union-identical`). Needs
    /// [`LinkPolicy::RequireHardlinks`].
    Identical,
}

/// How to check out.
#[derive(Debug, Clone, Default)]
pub struct CheckoutOptions {
    /// Leave out owners, xattrs, set-uid and set-gid bits, and let the owner read every file (`--user-mode`).
    /// Repositories of mode `bare-user-only` are always checked out this way.
    pub user_mode: bool,
    /// Whether files may be hardlinks into the repository.
    pub link: LinkPolicy,
    /// What happens to what is there already.
    pub union: UnionMode,
    /// Regular files called `.wh.NAME` remove `NAME`, and `.wh..wh..opq` empties its directory first (`--whiteouts`).
    pub whiteouts: bool,
    /// Regular files called `.ostree-wh.NAME` become a character device 0:0 called `NAME`, which overlayfs takes for a
    /// whiteout (`--process-passthrough-whiteouts`).
    pub passthrough_whiteouts: bool,
    /// Check out only this path of the commit: the entries of a directory into the destination, or a file into the
    /// directory at the destination. Empty or `/` is the whole commit.
    pub subpath: String,
    /// A `subpath` that the commit does not have is no error; nothing is done (`--allow-noent`).
    pub allow_noent: bool,
    /// Directories lose the mode bits outside of 0775 (`--bareuseronly-dirs`), as in a `bare-user-only` repository.
    pub bareuseronly_dirs: bool,
    /// Paths that are left out, from the root of what is checked out, starting with `/`. A directory must end in `/` to
    /// be left out, as in the reference program (`--skip-list`).
    pub skip_list: BTreeSet<String>,
    /// Wait until the checkout is on disk. The reference program does not.
    pub fsync: bool,
    /// A user checkout from an archive keeps each file it decompresses in the repository's `uncompressed-objects-cache`,
    /// for later ones to hardlink, unless `core.enable-uncompressed-cache` is off or the repository cannot be written.
    /// The program's default; `--disable-cache` turns it off.
    pub uncompressed_cache: bool,
    /// How many threads work; `None` takes as many as there are processors.
    pub jobs: Option<NonZeroUsize>,
}

impl CheckoutOptions {
    /// The options as they hold for `repo`; combinations that contradict each other are refused.
    pub(super) fn resolve(&self, repo: &Repo) -> Result<Self, RepoError> {
        if self.union == UnionMode::Identical && self.link != LinkPolicy::RequireHardlinks {
            return Err(RepoError::Request("--union-identical requires --require-hardlinks".into()));
        }
        let user_only = repo.mode() == RepoMode::BareUserOnly;
        Ok(Self {
            user_mode: self.user_mode || user_only,
            bareuseronly_dirs: self.bareuseronly_dirs || user_only,
            ..self.clone()
        })
    }
}

/// What a checkout made. What was there already and stayed is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckoutStats {
    /// New directories.
    pub directories: u64,
    /// Files and symlinks that are hardlinks into the repository.
    pub hardlinked: u64,
    /// Regular files that were copied or cloned.
    pub copied: u64,
    /// Symlinks that were made anew.
    pub symlinks: u64,
    /// The content of the copied files in bytes.
    pub bytes_copied: u64,
}

/// [`CheckoutStats`] while threads are counting.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub directories: AtomicU64,
    pub hardlinked: AtomicU64,
    pub copied: AtomicU64,
    pub symlinks: AtomicU64,
    pub bytes_copied: AtomicU64,
}

impl Counters {
    pub fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    pub fn stats(&self) -> CheckoutStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CheckoutStats {
            directories: get(&self.directories),
            hardlinked: get(&self.hardlinked),
            copied: get(&self.copied),
            symlinks: get(&self.symlinks),
            bytes_copied: get(&self.bytes_copied),
        }
    }
}
