//! The first part of `fsck`: the commits that refs point to, and the list of all commits.

use ostree_core::metadata::{COLLECTION_BINDING, REF_BINDING};
use ostree_core::{Commit, CommitId, RefName, Refspec, StoreError};

use crate::bindings;
use crate::error::RepoError;
use crate::fsck::event::{self, FsckEvent};
use crate::fsck::run::Run;
use crate::fsck::verify::{self, Fault};
use crate::list;
use crate::partial::{self, CommitState};
use crate::refs::{self, RefTarget};

/// Looks at the commit of every ref. One that is missing ends `fsck` in any case.
pub fn check_refs(run: &mut Run<'_>) -> Result<(), RepoError> {
    run.tell(FsckEvent::ValidatingRefs);
    for (refspec, commit) in refs::list(run.repo)? {
        let shown = refspec.name.to_string();
        check_ref(run, &shown, None, &refspec.name, &commit)?;
    }
    run.tell(FsckEvent::ValidatingCollections);
    for ((collection, name), commit) in refs::list_collections(run.repo)? {
        let shown = format!("({collection}, {name})");
        check_ref(run, &shown, Some(&collection), &name, &commit)?;
    }
    Ok(())
}

fn check_ref(
    run: &mut Run<'_>,
    shown: &str,
    collection: Option<&str>,
    name: &RefName,
    id: &CommitId,
) -> Result<(), RepoError> {
    let object = id.object();
    let missing =
        || RepoError::from(StoreError::Missing { name: object }).context(format!("Loading commit for ref {shown}"));
    let commit = match verify::commit(run.repo, &object) {
        Ok(commit) => commit,
        Err(Fault::Missing) => {
            run.tell(FsckEvent::Missing { object, commits: Vec::new() });
            return Err(missing());
        }
        Err(Fault::Corrupt(error)) if !run.keep_going() => {
            return Err(error.context(event::corrupt_prefix(&object, &[])));
        }
        Err(Fault::Corrupt(error)) => {
            run.tell(FsckEvent::Corrupt { object, commits: Vec::new(), error });
            run.report.corrupt += 1;
            // A deleted commit leaves a ref to nothing, which no further check can repair.
            return if run.delete(&object)? { Err(missing()) } else { Ok(()) };
        }
    };
    match run.options.verify_bindings || run.options.verify_back_refs {
        true => bindings::check(id, &commit, collection, name),
        false => Ok(()),
    }
}

/// The commits to verify: all that are not marked as partial. Notes those whose parent is missing.
pub fn enumerate(run: &mut Run<'_>) -> Result<Vec<CommitId>, RepoError> {
    run.tell(FsckEvent::EnumeratingCommits);
    let mut whole = Vec::new();
    for id in list::commits(run.repo)? {
        // A commit that cannot be read is reported with the other objects.
        if let Ok(commit) = verify::commit(run.repo, &id.object()) {
            if let Some(parent) = commit.parent.filter(|_| run.options.add_tombstones)
                && !ostree_core::ReadObject::has_object(run.repo, &parent.object())?
            {
                run.orphans.push(id);
            }
            if run.options.verify_back_refs {
                check_back_refs(run, &id, &commit)?;
            }
        }
        match partial::state(run.repo, &id)? {
            CommitState::Complete => whole.push(id),
            state => {
                run.report.partial_commits += 1;
                run.report.damaged_commits += usize::from(state == CommitState::Damaged);
            }
        }
    }
    Ok(whole)
}

/// Refuses a commit that says it was made for a ref that points elsewhere.
fn check_back_refs(run: &Run<'_>, id: &CommitId, commit: &Commit) -> Result<(), RepoError> {
    let collection = commit.metadata.get_str(COLLECTION_BINDING);
    for bound in commit.metadata.get_strings(REF_BINDING).unwrap_or_default() {
        let name = RefName::new(bound.as_str())?;
        let (shown, found) = match collection {
            Some(collection) => {
                let refs = refs::list_collections(run.repo)?;
                let found = refs.get(&(collection.to_owned(), name)).copied();
                (format!("Collection–ref (‘{collection}’, ‘{bound}’)"), found)
            }
            None => {
                let target = RefTarget::from(Refspec::local(name));
                let found = match refs::read(run.repo, &target)? {
                    None => refs::resolve(run.repo, &bound).ok(),
                    found => found,
                };
                (format!("Ref ‘{bound}’"), found)
            }
        };
        if found != Some(*id) {
            let message = format!("{shown} in bindings for commit {id} does not resolve to that commit");
            return Err(RepoError::Request(message));
        }
    }
    Ok(())
}
