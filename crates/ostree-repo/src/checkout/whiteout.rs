//! Whiteouts: entries of a tree that say what is not there.

use ostree_core::{DirTree, FileHeader, FileId, ReadObject, StoreError, mode};
use rustix::fs::{FileType, Mode};
use rustix::io::Errno;

use crate::checkout::job::Job;
use crate::checkout::options::{CheckoutOptions, UnionMode};
use crate::checkout::owner;
use crate::checkout::place::Place;
use crate::checkout::probe::probe;
use crate::error::RepoError;

/// What the names of whiteouts in container image layers start with.
const PREFIX: &str = ".wh.";
/// The whiteout that hides everything a lower layer has in its directory.
const OPAQUE: &str = ".wh..wh..opq";
/// What the names of whiteouts for overlayfs start with, which cannot be stored as the devices they are.
const PASSTHROUGH_PREFIX: &str = ".ostree-wh.";

/// Whether a directory is to be emptied before it is filled.
pub fn is_opaque(options: &CheckoutOptions, tree: &DirTree) -> bool {
    options.whiteouts && tree.file(OPAQUE).is_some()
}

/// Carries out the file at `place` if it is a whiteout of a kind that is asked for; `false` if it is an ordinary file.
pub fn process(job: &Job<'_>, place: &Place<'_>, id: &FileId) -> Result<bool, RepoError> {
    if job.options.whiteouts
        && let Some(target) = place.name.strip_prefix(PREFIX)
        && is_regular(job, id)?
    {
        return match target {
            "" => Err(RepoError::Request(format!("Invalid empty whiteout '{target}'"))),
            "." | ".." => Err(RepoError::Request(format!("Invalid whiteout '{target}'"))),
            target => place.dir.remove_all(target).map(|()| true),
        };
    }
    if job.options.passthrough_whiteouts
        && let Some(target) = place.name.strip_prefix(PASSTHROUGH_PREFIX)
        && is_regular(job, id)?
    {
        return match target {
            "" => Err(RepoError::Request(format!("Invalid empty overlayfs whiteout '{target}'"))),
            "." | ".." => Err(RepoError::Request(format!("Invalid overlayfs whiteout '{target}'"))),
            target => make_device(job, &Place { name: target, ..*place }, id).map(|()| true),
        };
    }
    Ok(false)
}

fn is_regular(job: &Job<'_>, id: &FileId) -> Result<bool, RepoError> {
    let mut current = Some(job.repo);
    while let Some(repo) = current {
        if let Some(probe) = probe(repo, id, &repo.loose_path(&id.object()))? {
            return Ok(!probe.is_symlink());
        }
        current = repo.parent();
    }
    Err(StoreError::Missing { name: id.object() }.into())
}

/// Makes the character device 0:0 that overlayfs takes for a whiteout.
fn make_device(job: &Job<'_>, place: &Place<'_>, id: &FileId) -> Result<(), RepoError> {
    let header = job.repo.read_file(id)?.ok_or(StoreError::Missing { name: id.object() })?.header;
    let existing = place.existing()?;
    if let Some(existing) = existing {
        match job.options.union {
            UnionMode::Replace => {}
            UnionMode::Add => return Ok(()),
            UnionMode::Identical if is_same_device(job, &header, &existing) => return Ok(()),
            UnionMode::Identical | UnionMode::None => return Err(place.fail("creating whiteout", Errno::EXIST)),
        }
    }
    let permissions = Mode::from_raw_mode(header.mode & mode::PERMISSION_MASK);
    Place { fresh: place.fresh && existing.is_none(), ..*place }.make(job, |dir, name| {
        rustix::fs::mknodat(dir, name, FileType::CharacterDevice, permissions, 0)
            .map_err(|e| dir.fail("creating whiteout", name, e))?;
        owner::finish_node(dir, name, &header, job.options.user_mode)?;
        // Again, because the process may have a umask.
        rustix::fs::chmodat(dir, name, permissions, rustix::fs::AtFlags::empty())
            .map_err(|e| dir.fail("setting the mode of", name, e))
    })?;
    Ok(())
}

fn is_same_device(job: &Job<'_>, header: &FileHeader, existing: &rustix::fs::Stat) -> bool {
    let same_owner = (existing.st_uid, existing.st_gid) == (header.owner.uid, header.owner.gid);
    FileType::from_raw_mode(existing.st_mode) == FileType::CharacterDevice
        && existing.st_rdev == 0
        && existing.st_mode & mode::PERMISSION_MASK == header.mode & mode::PERMISSION_MASK
        && (job.options.user_mode || same_owner)
}
