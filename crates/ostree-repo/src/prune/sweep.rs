//! Deleting every object that is not to be kept.

use std::collections::HashSet;

use ostree_core::{CommitId, ObjectKind, ObjectName};
use rustix::fs::{AtFlags, Stat};
use rustix::io::Errno;

use crate::error::RepoError;
use crate::layout;
use crate::list;
use crate::partial;
use crate::prune::options::{PruneOptions, PruneStats};
use crate::repo::Repo;
use crate::tombstone;

/// Deletes what is not in `keep`. Detached metadata goes with its commit and is not counted; tombstones stay.
pub fn sweep(
    repo: &Repo,
    keep: &HashSet<ObjectName>,
    options: &PruneOptions,
    tombstones: bool,
) -> Result<PruneStats, RepoError> {
    let PruneOptions { commit_only, dry_run, .. } = *options;
    let mut sweep =
        Sweep { repo, keep, tombstones, stats: PruneStats { commit_only, dry_run, ..PruneStats::default() } };
    sweep.pass(|kind| kind == ObjectKind::Commit)?;
    if !commit_only {
        // A commit must be gone for good before anything of it goes.
        if !dry_run && repo.config().fsync && sweep.stats.deleted > 0 {
            rustix::fs::syncfs(repo.dir()).map_err(|e| repo.dir().fail("syncing", "", e))?;
        }
        sweep.pass(|kind| {
            use ObjectKind::{DirMeta, DirTree, File, FileXattrsLink};
            matches!(kind, File | DirTree | DirMeta | FileXattrsLink)
        })?;
        // These are needed by what the pass before has left.
        sweep.pass(|kind| matches!(kind, ObjectKind::PayloadLink | ObjectKind::FileXattrs))?;
    }
    Ok(sweep.stats)
}

/// Deletes a commit object and what belongs to it alone: its detached metadata and its mark as partial.
pub fn remove_commit(repo: &Repo, commit: &CommitId, leave_tombstone: bool) -> Result<(), RepoError> {
    repo.objects().remove_file(&repo.loose_path(&commit.object()))?;
    let detached = ObjectName::new(ObjectKind::CommitMeta, *commit.checksum());
    repo.objects().remove_file(&repo.loose_path(&detached))?;
    partial::clear(repo, commit)?;
    if leave_tombstone { tombstone::write(repo, commit) } else { Ok(()) }
}

struct Sweep<'a> {
    repo: &'a Repo,
    keep: &'a HashSet<ObjectName>,
    tombstones: bool,
    stats: PruneStats,
}

impl Sweep<'_> {
    fn pass(&mut self, wanted: impl Fn(ObjectKind) -> bool) -> Result<(), RepoError> {
        for prefix in list::prefixes() {
            for name in list::objects_in(self.repo, &prefix)?.into_iter().filter(|name| wanted(name.kind)) {
                self.object(&name)?;
            }
        }
        Ok(())
    }

    fn object(&mut self, name: &ObjectName) -> Result<(), RepoError> {
        self.stats.total += 1;
        let path = self.repo.loose_path(name);
        if self.is_needed(name, &path)? {
            return Ok(());
        }
        let Some(stat) = self.stat(&path)? else { return Ok(()) };
        self.stats.deleted += 1;
        self.stats.freed += u64::try_from(stat.st_size).unwrap_or_default();
        match (self.stats.dry_run, name.kind) {
            (true, _) => Ok(()),
            (false, ObjectKind::Commit) => remove_commit(self.repo, &CommitId::new(name.checksum), self.tombstones),
            (false, _) => self.repo.objects().remove_file(&path).map(|_| ()),
        }
    }

    fn is_needed(&self, name: &ObjectName, path: &str) -> Result<bool, RepoError> {
        let kept_file = |checksum| self.keep.contains(&ObjectName::new(ObjectKind::File, checksum));
        Ok(match name.kind {
            ObjectKind::FileXattrsLink => kept_file(name.checksum),
            // Every file that has these xattrs holds one more link to them.
            ObjectKind::FileXattrs => self.stat(path)?.is_some_and(|stat| stat.st_nlink > 1),
            ObjectKind::PayloadLink => self.payload_target(path)?.is_some_and(|file| kept_file(file.checksum)),
            _ => self.keep.contains(name),
        })
    }

    /// The file object that a payload link `XX/….payload-link` leads to, `../YY/….file`.
    fn payload_target(&self, path: &str) -> Result<Option<ObjectName>, RepoError> {
        let objects = self.repo.objects();
        let target = match rustix::fs::readlinkat(objects, path, Vec::new()) {
            Ok(target) => target.to_string_lossy().into_owned(),
            Err(Errno::INVAL | Errno::NOENT) => return Ok(None),
            Err(e) => return Err(objects.fail("reading link", path, e)),
        };
        let target = target.strip_prefix("../").and_then(|target| target.split_once('/'));
        Ok(target.and_then(|(prefix, file)| layout::parse_loose(prefix, file)))
    }

    fn stat(&self, path: &str) -> Result<Option<Stat>, RepoError> {
        match rustix::fs::statat(self.repo.objects(), path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(self.repo.objects().fail("querying", path, e)),
        }
    }
}
