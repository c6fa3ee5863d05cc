//! The destination itself: made or opened, filled, and put in its place.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostree_core::walk::load_dirtree;
use ostree_core::{DirMeta, DirMetaId, DirTreeId, FileId};
use rustix::fs::{Mode, RenameFlags};
use rustix::io::Errno;

use crate::checkout::file::checkout_file;
use crate::checkout::job::Job;
use crate::checkout::options::{LinkPolicy, UnionMode};
use crate::checkout::place::Place;
use crate::checkout::queue::Queue;
use crate::checkout::tree::{Node, Task, work};
use crate::checkout::whiteout;
use crate::error::RepoError;
use crate::fs::Dir;

/// Checks a directory out to `destination`.
pub fn checkout_dir(job: &Job<'_>, (tree, meta): (DirTreeId, DirMetaId), destination: &Path) -> Result<(), RepoError> {
    // The root's name never has another path than this one, so this is its only chance to be left out.
    if job.options.skip_list.contains("/") {
        return Ok(());
    }
    let meta = job.meta(&meta)?;
    match job.options.union {
        UnionMode::None => checkout_new(job, (tree, meta), destination),
        _ => checkout_union(job, (tree, meta), destination),
    }
}

/// Checks a single file out into the directory `destination`, which is made if it is not there.
pub fn checkout_single(job: &Job<'_>, name: &str, id: &FileId, destination: &Path) -> Result<(), RepoError> {
    match rustix::fs::mkdir(destination, Mode::from_raw_mode(0o700)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(e) => return Err(RepoError::io("creating directory", destination, e)),
    }
    let dir = Dir::open(destination)?;
    check_device(job, &dir)?;
    checkout_file(job, &Place { dir: &dir, name, fresh: false }, id)
}

/// Fills a directory of another name beside the destination, so that there is nothing or everything under the name.
fn checkout_new(job: &Job<'_>, (tree, meta): (DirTreeId, Arc<DirMeta>), destination: &Path) -> Result<(), RepoError> {
    let exists = || RepoError::io("creating directory", destination, Errno::EXIST);
    let (parent, name) = split(destination).ok_or_else(exists)?;
    if destination.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let parent = Dir::open(&parent).map_err(|_| RepoError::io("creating directory", destination, Errno::NOENT))?;
    let temporary = job.temporary_name();
    rustix::fs::mkdirat(&parent, &temporary, Mode::from_raw_mode(0o700))
        .map_err(|e| RepoError::io("creating directory", destination, e))?;
    let filled = parent.open_dir(&temporary).and_then(|dir| {
        check_device(job, &dir)?;
        run(job, Node::root(job, dir.called(destination.to_owned()), Some(meta))?, tree)
    });
    let placed = filled.and_then(|()| {
        let rename = |flags| rustix::fs::renameat_with(&parent, &temporary, &parent, &name, flags);
        match rename(RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS) => rename(RenameFlags::empty()),
            other => other,
        }
        .map_err(|e| RepoError::io("creating directory", destination, e))
    });
    if placed.is_err() {
        // The first error is the one to report.
        let _ = parent.remove_all(&temporary);
    }
    placed
}

/// Fills the destination where it is. It may be a symlink to a directory, as its name came from the user.
fn checkout_union(job: &Job<'_>, (tree, meta): (DirTreeId, Arc<DirMeta>), destination: &Path) -> Result<(), RepoError> {
    if whiteout::is_opaque(&job.options, &load_dirtree(job.repo, &tree)?)
        && let Some((parent, name)) = split(destination)
    {
        Dir::open(&parent)?.remove_all(name)?;
    }
    let created = match rustix::fs::mkdir(destination, Mode::from_raw_mode(0o700)) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(e) => return Err(RepoError::io("creating directory", destination, e)),
    };
    let dir = Dir::open(destination)?;
    check_device(job, &dir)?;
    run(job, Node::root(job, dir, created.then_some(meta))?, tree)
}

fn run(job: &Job<'_>, root: Arc<Node>, tree: DirTreeId) -> Result<(), RepoError> {
    let threads = crate::parallel::jobs(job.options.jobs);
    Queue::run(Task::Fill(root, tree), threads, |task, queue| work(job, task, queue))
}

/// The parent directory and the name in it; `None` for a path that has no name, as `.` and `/`.
fn split(destination: &Path) -> Option<(PathBuf, OsString)> {
    let name = destination.file_name()?.to_owned();
    let parent = match destination.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    Some((parent, name))
}

fn check_device(job: &Job<'_>, destination: &Dir) -> Result<(), RepoError> {
    if job.options.link != LinkPolicy::RequireHardlinks {
        return Ok(());
    }
    let stat = |dir: &Dir| rustix::fs::fstat(dir).map_err(|e| dir.fail("querying", "", e));
    let (from, to) = (stat(job.repo.dir())?.st_dev, stat(destination)?.st_dev);
    if from != to {
        let reason = format!("Unable to do hardlink checkout across devices (src={from} destination={to})");
        return Err(RepoError::Request(reason));
    }
    Ok(())
}
