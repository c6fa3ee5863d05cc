//! Writing, removing and aliasing refs.

use std::collections::BTreeMap;

use ostree_core::{CommitId, RefName};
use rustix::fs::{AtFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::Errno;

use crate::error::RepoError;
use crate::fs::small_file;
use crate::refs::read;
use crate::refs::target::RefTarget;
use crate::repo::Repo;

/// From how many refs on syncing the file system once costs less than syncing each of them.
const MANY: usize = 4;

/// Lets a ref point to `commit`, or removes it. The commit's objects must be durable by then. With `sync`, so is the ref.
pub fn write(repo: &Repo, target: &RefTarget, commit: Option<&CommitId>, sync: bool) -> Result<(), RepoError> {
    let path = target.path();
    match commit {
        Some(commit) => {
            make_room(repo, &path)?;
            small_file::replace(repo.dir(), &path, format!("{commit}\n").as_bytes(), sync)?;
        }
        None => delete(repo, target)?,
    }
    touch(repo)
}

/// What many refs are to become, written beside them.
pub struct Staged<'a>(Vec<small_file::Replacement<'a>>);

/// Writes what refs are to become beside them, where there are many and all of them are set: to be made durable at once by
/// the caller before they are placed. `None` where they are better written one by one.
pub fn stage<'a>(repo: &'a Repo, all: &BTreeMap<RefTarget, Option<CommitId>>) -> Result<Option<Staged<'a>>, RepoError> {
    // One that goes may have to make room for another.
    if all.len() < MANY || all.values().any(Option::is_none) {
        return Ok(None);
    }
    let mut new = Vec::new();
    for (target, commit) in all.iter().filter_map(|(target, commit)| Some((target, (*commit)?))) {
        let path = target.path();
        make_room(repo, &path)?;
        new.push(small_file::beside(repo.dir(), &path, format!("{commit}\n").as_bytes())?);
    }
    Ok(Some(Staged(new)))
}

/// Moves the refs that were staged.
pub fn place(repo: &Repo, staged: Staged<'_>) -> Result<(), RepoError> {
    staged.0.into_iter().try_for_each(small_file::Replacement::place)?;
    touch(repo)
}

/// Makes the directories above `path`, and removes an empty directory tree that stands at it.
fn make_room(repo: &Repo, path: &str) -> Result<(), RepoError> {
    for (at, _) in path.match_indices('/') {
        let parent = path.get(..at).unwrap_or_default();
        repo.dir().ensure_dir(parent, 0o777)?;
        let stat = rustix::fs::statat(repo.dir(), parent, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|e| repo.dir().fail("querying", parent, e))?;
        if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir() {
            return Err(repo.dir().fail("creating directory", parent, Errno::NOTDIR));
        }
    }
    let stat = match rustix::fs::statat(repo.dir(), path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(()),
        Err(e) => return Err(repo.dir().fail("querying", path, e)),
    };
    if rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir() {
        if let Some(name) = read::names_below(repo, path)?.first() {
            let shown = path.splitn(3, '/').nth(2).unwrap_or(path);
            return Err(RepoError::Request(format!("Conflict: {name} exists under {shown} when attempting write")));
        }
        repo.dir().remove_all(path)?;
    }
    Ok(())
}

/// Removes a ref. One that is not there, or that an alias stands for, is an error.
pub fn delete(repo: &Repo, target: &RefTarget) -> Result<(), RepoError> {
    if let RefTarget::Local(name) = target
        && let Some((alias, _)) = read::aliases(repo)?.into_iter().find(|(_, meant)| meant == name)
    {
        return Err(RepoError::Request(format!("Ref '{name}' has an active alias: '{alias}'")));
    }
    let path = target.path();
    if !repo.dir().remove_file(&path)? {
        return Err(repo.dir().fail("removing", &path, Errno::NOENT));
    }
    touch(repo)
}

/// Makes the local ref `alias` a symlink to the local ref `name`.
pub fn set_alias(repo: &Repo, alias: &RefName, name: &RefName) -> Result<(), RepoError> {
    let path = RefTarget::Local(alias.clone()).path();
    make_room(repo, &path)?;
    let up = "../".repeat(alias.as_str().matches('/').count());
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let temporary = format!("{parent}/.alias.{}.tmp", std::process::id());
    repo.dir().remove_file(&temporary)?;
    rustix::fs::symlinkat(format!("{up}{name}"), repo.dir(), &temporary)
        .map_err(|e| repo.dir().fail("creating symlink", &path, e))?;
    rustix::fs::renameat(repo.dir(), &temporary, repo.dir(), &path)
        .map_err(|e| repo.dir().fail("replacing", &path, e))?;
    touch(repo)
}

/// Bumps the repository's modification time, by which others notice that a ref changed.
fn touch(repo: &Repo) -> Result<(), RepoError> {
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
    };
    match rustix::fs::futimens(repo.dir(), &times) {
        // A repository that somebody else owns and this process may write.
        Ok(()) | Err(Errno::PERM | Errno::ACCESS) => Ok(()),
        Err(e) => Err(repo.dir().fail("setting the time of", "", e)),
    }
}
