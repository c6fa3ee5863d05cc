//! Verifying that a repository has all objects of its commits, and that each is what its name says.

mod blame;
mod event;
mod heads;
mod objects;
mod options;
mod run;
mod verify;
mod walk;

pub use event::{FsckEvent, FsckReport};
pub use options::FsckOptions;

use crate::error::RepoError;
use crate::fsck::run::Run;
use crate::lock::LockKind;
use crate::repo::Repo;

/// Verifies `repo`: that every ref has its commit, and that every commit not marked as partial has all its objects, each
/// of which is read once and compared with its name. Commits that lack an object are marked as partial.
///
/// Ends with an error at the first damaged object, unless the options say to go on; then the errors are told to
/// `listener` and counted in the report, whose [`verdict`](FsckReport::verdict) ends the command. A ref without its commit
/// and a missing dirtree end it in any case; nothing is marked then. A shared lock keeps others from deleting objects meanwhile.
pub fn fsck(repo: &Repo, options: &FsckOptions, listener: &mut dyn FnMut(&FsckEvent)) -> Result<FsckReport, RepoError> {
    let _lock = repo.lock(LockKind::Shared)?;
    let mut run = Run::new(repo, options, listener);
    heads::check_refs(&mut run)?;
    let commits = heads::enumerate(&mut run)?;
    run.report.commits = commits.len();
    run.tell(FsckEvent::VerifyingContent { commits: commits.len() });
    let faults = objects::verify(&mut run, &commits)?;
    objects::handle(&mut run, &commits, faults)?;
    run.add_tombstones()?;
    if run.report.partial_commits > 0 {
        run.tell(FsckEvent::PartialCommits(run.report.partial_commits));
    }
    Ok(run.report)
}
