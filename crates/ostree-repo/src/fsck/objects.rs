//! The second part of `fsck`: every object of the commits, and what is done about the bad ones.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ostree_core::{CommitId, FileId, ObjectKind, ObjectName, StoreError};

use crate::error::RepoError;
use crate::fsck::blame;
use crate::fsck::event::{self, FsckEvent};
use crate::fsck::run::Run;
use crate::fsck::verify::{self, Fault};
use crate::fsck::walk::Walk;
use crate::parallel;

/// The time between two progress events.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Walks the trees on this thread, while others hash the files that are found.
pub fn verify(run: &mut Run<'_>, commits: &[CommitId]) -> Result<BTreeMap<ObjectName, Fault>, RepoError> {
    let (repo, keep_going) = (run.repo, run.keep_going());
    let listener = &mut *run.listener;
    let jobs = parallel::jobs(run.options.jobs);
    let file_faults = Mutex::new(BTreeMap::new());
    // Both count for the progress: files as they are hashed, metadata as it is walked.
    let (hashed, walked, total) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::new(None));
    let work = |id: FileId| {
        let result = verify::file(repo, &id);
        hashed.fetch_add(1, Ordering::Relaxed);
        if let Err(fault) = result {
            let stop = matches!(fault, Fault::Corrupt(_)) && !keep_going;
            file_faults.lock().unwrap_or_else(PoisonError::into_inner).insert(id.object(), fault);
            if stop {
                return Err(RepoError::Request(String::new()));
            }
        }
        Ok(())
    };
    let mut told = Instant::now();
    let mut tick = || {
        if told.elapsed() >= PROGRESS_EVERY {
            told = Instant::now();
            let done = hashed.load(Ordering::Relaxed) + walked.load(Ordering::Relaxed);
            let total = *total.lock().unwrap_or_else(PoisonError::into_inner);
            listener(&FsckEvent::Progress { done, total });
        }
    };
    let mut walk = Walk::default();
    // The only error is the one above, by which a worker stops the others; what it found is in `file_faults`.
    let stopped = parallel::run(jobs, &work, &mut tick, |feeder, tick| {
        for id in commits {
            let go_on = walk.commit(repo, id, &mut |file, walk| {
                walked.store(walk.metadata(), Ordering::Relaxed);
                tick();
                feeder.push(file, tick)
            });
            if !go_on {
                break;
            }
        }
        walked.store(walk.metadata(), Ordering::Relaxed);
        *total.lock().unwrap_or_else(PoisonError::into_inner) = Some(walk.objects());
        Ok(())
    })
    .is_err();
    run.report.objects = walk.metadata() + hashed.into_inner();
    if !stopped {
        let (done, total) = (run.report.objects, Some(walk.objects()));
        run.tell(FsckEvent::Progress { done, total });
    }
    let mut faults = file_faults.into_inner().unwrap_or_else(PoisonError::into_inner);
    faults.append(&mut walk.faults);
    Ok(faults)
}

/// Reports what is bad, in the order of the names, and does about it what the options say.
pub fn handle(run: &mut Run<'_>, commits: &[CommitId], faults: BTreeMap<ObjectName, Fault>) -> Result<(), RepoError> {
    if faults.is_empty() {
        return Ok(());
    }
    // Without its entries nothing can be said about what else is missing, so that no commit is marked either; the original
    // gives up here whatever the options.
    let is_missing_tree =
        |name: &ObjectName, fault: &Fault| name.kind == ObjectKind::DirTree && matches!(fault, Fault::Missing);
    if let Some((object, _)) = faults.iter().find(|(name, fault)| is_missing_tree(name, fault)) {
        return Err(StoreError::Missing { name: *object }.into());
    }
    let bad = faults.keys().copied().collect();
    let mut blamed = blame::commits_of(run.repo, commits, &bad);
    for (object, fault) in faults {
        let commits = blamed.remove(&object).unwrap_or_default();
        match fault {
            Fault::Missing => {
                run.report.missing += 1;
                run.tell(FsckEvent::Missing { object, commits: commits.clone() });
                run.mark_partial(&commits)?;
            }
            Fault::Corrupt(error) if !run.keep_going() => {
                return Err(error.context(event::corrupt_prefix(&object, &commits)));
            }
            Fault::Corrupt(error) => {
                run.report.corrupt += 1;
                run.tell(FsckEvent::Corrupt { object, commits: commits.clone(), error });
                if run.delete(&object)? {
                    run.mark_partial(&commits)?;
                }
            }
        }
    }
    Ok(())
}
