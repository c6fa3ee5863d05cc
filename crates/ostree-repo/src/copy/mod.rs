//! Copying commits between two repositories of any modes (`pull-local`).

mod import;
mod options;
mod request;
mod tree;

pub use options::{CopyOptions, CopyStats};

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ostree_core::{CommitId, ReadObject, StoreError, WriteObject};

use crate::copy::import::Import;
use crate::copy::request::{Request, Wanted};
use crate::copy::tree::{TreeWalk, Work};
use crate::error::RepoError;
use crate::lock::LockKind;
use crate::parallel;
use crate::partial::{self, CommitState};
use crate::repo::Repo;
use crate::tombstone;
use crate::transaction::{Transaction, TransactionOptions};

/// The time between two calls of the listener.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Copies the commits that `names` (refs or checksums) stand for, or those of all local refs where it is empty, from `src`
/// to `dest`, and sets the refs in `dest`.
///
/// Where both repositories keep an object in the same form, on one file system and under one owner, it is linked; else it
/// is written anew, verified against its name. A commit that `dest` has and does not mark as partial is taken to be whole.
/// Every other one is marked as partial until all of it is there and durable; the refs are set after that. An error
/// changes no ref; what was copied until then is found again by the next try.
///
/// `listener` is told what was done so far about ten times a second, on the calling thread.
pub fn pull_local(
    src: &Repo,
    dest: &Repo,
    names: &[&str],
    options: &CopyOptions<'_>,
    listener: &mut dyn FnMut(&CopyStats),
) -> Result<CopyStats, RepoError> {
    let _source_lock = src.lock(LockKind::Shared)?;
    let request = request::resolve(src, names, options)?;
    verify(src, &request, options)?;
    let TransactionSetup { transaction, missing } = begin(dest, &request, options)?;
    let import = Import::new(src, &transaction, options)?;
    for id in &missing {
        partial::mark(dest, id, CommitState::Partial)?;
    }
    if !options.commit_metadata_only {
        let wanted = request.commits.iter().filter(|wanted| missing.contains(&wanted.id));
        copy_trees(src, &import, wanted, options, listener)?;
    }
    for wanted in &request.commits {
        import.metadata_bytes(&wanted.id.object(), &wanted.bytes)?;
        if let Some(detached) = src.read_detached(&wanted.id)? {
            transaction.write_detached(&wanted.id, &detached)?;
        }
    }
    let stats = import.stats();
    listener(&stats);
    for (target, id) in &request.refs {
        transaction.set_ref(target.clone(), Some(*id));
    }
    transaction.commit()?;
    finish(dest, &request, &missing, options)?;
    Ok(stats)
}

struct TransactionSetup<'a> {
    transaction: Transaction<'a>,
    /// The commits that `dest` lacks, or has in part.
    missing: BTreeSet<CommitId>,
}

fn begin<'a>(dest: &'a Repo, request: &Request, options: &CopyOptions<'_>) -> Result<TransactionSetup<'a>, RepoError> {
    let durability = TransactionOptions { fsync: options.fsync, per_object_fsync: options.per_object_fsync };
    let transaction = dest.transaction(durability)?;
    // Under the transaction's lock, so that nobody deletes what was found to be there.
    let mut missing = BTreeSet::new();
    for Wanted { id, .. } in &request.commits {
        let whole = dest.objects().exists(&dest.loose_path(&id.object()))?
            && partial::state(dest, id)? == CommitState::Complete;
        if !whole {
            missing.insert(*id);
        }
    }
    Ok(TransactionSetup { transaction, missing })
}

/// Asks the verifier about every commit.
fn verify(src: &Repo, request: &Request, options: &CopyOptions<'_>) -> Result<(), RepoError> {
    let Some(verifier) = options.verifier else { return Ok(()) };
    for Wanted { id, bytes, .. } in &request.commits {
        let detached = src.read_detached(id)?.map(|detached| detached.encode());
        verifier.verify_commit(id, bytes, detached.as_deref()).map_err(|e| StoreError::Backend(Box::new(e)))?;
    }
    Ok(())
}

fn copy_trees<'w>(
    src: &Repo,
    import: &Import<'_>,
    wanted: impl Iterator<Item = &'w Wanted>,
    options: &CopyOptions<'_>,
    listener: &mut dyn FnMut(&CopyStats),
) -> Result<(), RepoError> {
    let work = |work: Work| match work {
        Work::Metadata(name) => import.metadata(&name),
        Work::File(id) => import.file(&id),
    };
    let mut told = Instant::now();
    let mut tick = || {
        if told.elapsed() >= PROGRESS_EVERY {
            told = Instant::now();
            listener(&import.stats());
        }
    };
    parallel::run(parallel::jobs(options.jobs), &work, &mut tick, |feeder, tick| {
        let mut walk = TreeWalk::new(src, import);
        for wanted in wanted {
            walk.commit(&wanted.commit, feeder, tick)?;
        }
        walk.finish(feeder, tick);
        Ok(())
    })
}

/// What remains when everything is durable: tombstones, and the marks of the commits that are whole now.
fn finish(
    dest: &Repo,
    request: &Request,
    missing: &BTreeSet<CommitId>,
    options: &CopyOptions<'_>,
) -> Result<(), RepoError> {
    for id in &request.tombstones {
        if !dest.objects().exists(&dest.loose_path(&id.object()))? {
            tombstone::write(dest, id)?;
        }
    }
    for id in missing {
        tombstone::remove(dest, id)?;
        if !options.commit_metadata_only {
            partial::clear(dest, id)?;
        }
    }
    Ok(())
}
