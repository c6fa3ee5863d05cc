//! What interrupted transactions of this boot left in their staging directories, to be looked at.

use ostree_core::{ObjectName, ReadObject};
use rustix::fs::AtFlags;

use crate::error::RepoError;
use crate::fs::Dir;
use crate::overlay::Overlay;
use crate::repo::Repo;
use crate::stage;

/// The repository with the staging directories that nobody holds: what the next transaction finds, unless somebody else
/// begins one first.
pub struct Leftover<'r> {
    repo: &'r Repo,
    staged: Vec<Dir>,
}

impl<'r> Leftover<'r> {
    /// Looks for them. Nothing is written.
    pub fn of(repo: &'r Repo) -> Result<Self, RepoError> {
        let staged = match repo.dir().try_open_dir("tmp")? {
            Some(tmp) => stage::leftovers(&tmp)?,
            None => Vec::new(),
        };
        Ok(Self { repo, staged })
    }

    /// How many bytes of disk those of `objects` take that are staged.
    pub fn staged_bytes<'a>(&self, objects: impl IntoIterator<Item = &'a ObjectName>) -> u64 {
        let size = |name: &ObjectName| {
            let path = self.repo.loose_path(name);
            let stat = |dir: &Dir| rustix::fs::statat(dir, &path, AtFlags::SYMLINK_NOFOLLOW).ok();
            self.staged.iter().find_map(stat).map_or(0, |stat| u64::try_from(stat.st_blocks).unwrap_or_default() * 512)
        };
        objects.into_iter().map(size).sum()
    }

    /// The objects that are there.
    pub fn view(&self) -> impl ReadObject {
        Overlay { staged: &self.staged, repo: self.repo }
    }
}
