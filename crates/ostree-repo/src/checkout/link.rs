//! Checking a file out as a hardlink to its object.

use ostree_core::FileId;
use ostree_core::mode::is_symlink;
use rustix::fs::AtFlags;
use rustix::io::Errno;

use crate::checkout::identical;
use crate::checkout::job::Job;
use crate::checkout::options::{Counters, LinkPolicy, UnionMode};
use crate::checkout::place::Place;
use crate::checkout::probe::{Probe, probe};
use crate::error::RepoError;
use crate::fs::Dir;
use crate::mode::RepoMode;
use crate::repo::Repo;

/// What came of an attempt to hardlink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The file is in its place.
    Done,
    /// The file has to be made anew.
    CopyInstead,
}

/// Links the object from the repository, or the first parent of it, whose files are what this checkout wants.
pub fn try_link(job: &Job<'_>, place: &Place<'_>, id: &FileId) -> Result<Attempt, RepoError> {
    let required = job.options.link == LinkPolicy::RequireHardlinks;
    let mut current = Some(job.repo);
    while let Some(repo) = current {
        current = repo.parent();
        let fits = has_files_as_wanted(job, repo);
        if !fits && !required {
            continue;
        }
        let path = repo.loose_path(&id.object());
        let Some(probe) = probe(repo, id, &path)? else { continue };
        if probe.empty || (job.options.user_mode && probe.is_unreadable()) {
            // So many files are empty that a file system's limit of links would be reached; and the mode of a link is
            // its object's.
            return Ok(Attempt::CopyInstead);
        }
        match fits {
            false => check_exempt(repo, &probe)?,
            // Kept as a regular file in bare-user; bare-user-only does as bare-user.
            true if is_user_repo(repo) && probe.is_symlink() => {}
            true => {
                if link_from(job, place, id, (repo.objects(), &path))? == Attempt::Done {
                    return Ok(Attempt::Done);
                }
            }
        }
    }
    Ok(Attempt::CopyInstead)
}

fn is_user_repo(repo: &Repo) -> bool {
    matches!(repo.mode(), RepoMode::BareUser | RepoMode::BareUserOnly)
}

fn has_files_as_wanted(job: &Job<'_>, repo: &Repo) -> bool {
    match job.options.user_mode {
        true => is_user_repo(repo),
        false => repo.mode() == RepoMode::Bare,
    }
}

/// Where hardlinks are required, only a symlink of a user-mode repository may be made anew.
fn check_exempt(repo: &Repo, probe: &Probe) -> Result<(), RepoError> {
    if is_user_repo(repo) && probe.is_symlink() {
        return Ok(());
    }
    Err(RepoError::Request(match is_user_repo(repo) {
        true => "User repository mode requires user checkout mode to hardlink".into(),
        false => "Bare repository mode cannot hardlink in user checkout mode".into(),
    }))
}

/// Links the file `path` in `from`, which has what the checkout wants of the object, if the destination can have it.
pub fn link_from(
    job: &Job<'_>,
    place: &Place<'_>,
    id: &FileId,
    (from, path): (&Dir, &str),
) -> Result<Attempt, RepoError> {
    let link = |name: &str| rustix::fs::linkat(from, path, place.dir, name, AtFlags::empty());
    match link(place.name) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Ok(Attempt::CopyInstead),
        Err(Errno::MLINK | Errno::XDEV | Errno::PERM) if job.options.link == LinkPolicy::Any => {
            return Ok(Attempt::CopyInstead);
        }
        Err(Errno::EXIST) => {
            if !settle_existing(job, place, id, (from, path))? {
                return Ok(Attempt::Done);
            }
            let relink = |_: &_, name: &str| link(name).map_err(|e| place.fail("hardlinking object to", e));
            Place { fresh: false, ..*place }.make(job, relink)?;
        }
        Err(e) => return Err(place.fail("hardlinking object to", e)),
    }
    Counters::add(&job.counters.hardlinked, 1);
    Ok(Attempt::Done)
}

/// Something has the name already: `true` says to replace it, `false` to leave it.
fn settle_existing(
    job: &Job<'_>,
    place: &Place<'_>,
    id: &FileId,
    (from, path): (&Dir, &str),
) -> Result<bool, RepoError> {
    match job.options.union {
        UnionMode::Add => return Ok(false),
        UnionMode::None => return Err(place.fail("hardlinking object to", Errno::EXIST)),
        UnionMode::Replace | UnionMode::Identical => {}
    }
    let Some(stat) = place.existing()? else { return Ok(true) };
    let replace = job.options.union == UnionMode::Replace;
    let same = identical::same_inode(from, path, &stat)
        || (!(replace && is_symlink(stat.st_mode)) && identical::same_content(job, place, id, &stat)?);
    match (same, replace) {
        (true, _) => Ok(false),
        (false, true) => Ok(true),
        (false, false) => Err(place.fail("hardlinking object to", Errno::EXIST)),
    }
}
