//! Checking a file out as a new file or symlink.

use ostree_core::{FileId, FileObject, ReadObject, StoreError};
use rustix::io::Errno;

use crate::checkout::identical;
use crate::checkout::job::Job;
use crate::checkout::options::{Counters, UnionMode};
use crate::checkout::owner;
use crate::checkout::place::Place;
use crate::error::RepoError;
use crate::fs::{Dir, reflink};
use crate::repo::Repo;

/// Up to this size a file that cannot be cloned is copied through memory: opening its object a second time for a copy in
/// the kernel would cost more than it saves.
const SMALL_FILE: u64 = 64 * 1024;

/// Makes the object anew at `place`.
pub fn copy(job: &Job<'_>, place: &Place<'_>, id: &FileId) -> Result<(), RepoError> {
    if !place.fresh && !is_wanted(job, place, id)? {
        return Ok(());
    }
    let file = job.repo.read_file(id)?.ok_or(StoreError::Missing { name: id.object() })?;
    let size = file.size;
    let symlink = file.header.is_symlink();
    let made = place
        .make(job, |dir, name| match symlink {
            true => write_symlink(job, dir, name, &file),
            false => write_regular(job, (dir, name), file, id),
        })
        .map_err(|e| match symlink {
            true => e,
            false => e.context(format!("Copy checkout of {id} to {}", place.name)),
        })?;
    if made && symlink {
        Counters::add(&job.counters.symlinks, 1);
    } else if made {
        Counters::add(&job.counters.copied, 1);
        Counters::add(&job.counters.bytes_copied, size);
    }
    Ok(())
}

/// Whether something is to be made at all, looking at what is there.
fn is_wanted(job: &Job<'_>, place: &Place<'_>, id: &FileId) -> Result<bool, RepoError> {
    let existing = match job.options.union {
        UnionMode::None | UnionMode::Replace => return Ok(true),
        UnionMode::Add | UnionMode::Identical => place.existing()?,
    };
    match existing {
        None => Ok(true),
        Some(_) if job.options.union == UnionMode::Add => Ok(false),
        Some(stat) if identical::same_content(job, place, id, &stat)? => Ok(false),
        Some(_) => Err(place.fail("creating", Errno::EXIST)),
    }
}

fn write_symlink(job: &Job<'_>, dir: &Dir, name: &str, file: &FileObject) -> Result<(), RepoError> {
    rustix::fs::symlinkat(file.header.symlink_target.as_str(), dir, name)
        .map_err(|e| dir.fail("creating symlink", name, e))?;
    owner::finish_node(dir, name, &file.header, job.options.user_mode)
}

fn write_regular(job: &Job<'_>, (dir, name): (&Dir, &str), file: FileObject, id: &FileId) -> Result<(), RepoError> {
    let out = dir.create_file(name, 0o600)?;
    let FileObject { header, size, content } = file;
    let source = match size > SMALL_FILE || (size > 0 && job.abilities.may_clone()) {
        true => plain_object(job.repo, id)?,
        false => None,
    };
    match (source, content) {
        (Some(source), _) => reflink::copy(&source, &out, size, &job.abilities),
        (None, Some(mut content)) => reflink::copy_stream(&mut *content, &out, size),
        (None, None) => Ok(()),
    }
    .map_err(|e| RepoError::io("writing", dir.path().join(name), e))?;
    owner::finish_file(&out, &header, job.options.user_mode).map_err(|(action, e)| dir.fail(action, name, e))
}

/// The file that holds a regular object's content as it is, where there is one.
fn plain_object(repo: &Repo, id: &FileId) -> Result<Option<std::fs::File>, RepoError> {
    let mut current = Some(repo);
    while let Some(repo) = current {
        let path = repo.loose_path(&id.object());
        if let Some(file) = repo.objects().open_file(&path).map_err(|e| repo.objects().fail("opening", &path, e))? {
            return Ok(repo.mode().is_bare().then_some(file));
        }
        current = repo.parent();
    }
    Ok(None)
}
