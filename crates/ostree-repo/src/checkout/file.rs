//! Checking out one file or symlink: whiteout, hardlink or copy.

use ostree_core::FileId;

use crate::checkout::cache::link_cached;
use crate::checkout::copy::copy;
use crate::checkout::job::Job;
use crate::checkout::link::{Attempt, try_link};
use crate::checkout::options::LinkPolicy;
use crate::checkout::place::Place;
use crate::checkout::whiteout;
use crate::error::RepoError;

/// Checks the object out to `place`.
pub fn checkout_file(job: &Job<'_>, place: &Place<'_>, id: &FileId) -> Result<(), RepoError> {
    if whiteout::process(job, place, id)? {
        return Ok(());
    }
    if job.options.link == LinkPolicy::ForceCopy {
        return copy(job, place, id);
    }
    match try_link(job, place, id)? {
        Attempt::Done => Ok(()),
        Attempt::CopyInstead if link_cached(job, place, id)? == Attempt::Done => Ok(()),
        Attempt::CopyInstead => copy(job, place, id),
    }
}
