//! Which objects are to be kept.

use std::collections::{BTreeMap, HashMap, HashSet};

use ostree_core::walk::{self, load_commit};
use ostree_core::{Commit, CommitId, ObjectName, Refspec, StoreError};

use crate::error::RepoError;
use crate::list;
use crate::partial::{self, CommitState};
use crate::prune::options::PruneOptions;
use crate::refs;
use crate::repo::Repo;

/// Everything that must stay. With `commit_only` that is commits alone.
pub fn reachable(repo: &Repo, options: &PruneOptions) -> Result<HashSet<ObjectName>, RepoError> {
    let mut found = HashSet::new();
    let mut commits: Vec<CommitId> = kept_commits(repo, options)?.into_keys().collect();
    // Each commit is walked after its ancestors' names are known, so the order only has to be the same every time.
    commits.sort();
    if options.commit_only {
        found.extend(commits.iter().map(CommitId::object));
        return Ok(found);
    }
    for commit in commits {
        let tolerant = partial::state(repo, &commit)? != CommitState::Complete;
        walk::reachable(repo, &commit, tolerant, &mut found)?;
    }
    Ok(found)
}

/// The commits to keep, each with how many of its parents were still to be kept: the largest such number counts.
type Kept = HashMap<CommitId, u64>;

fn kept_commits(repo: &Repo, options: &PruneOptions) -> Result<Kept, RepoError> {
    let mut kept = Kept::new();
    let retention = &options.retention;
    if !retention.is_set() && !options.refs_only {
        for commit in list::commits(repo)? {
            keep_depth(repo, commit, options.depth, &mut kept)?;
        }
    }
    for commit in &options.also_keep {
        keep_depth(repo, *commit, options.depth, &mut kept)?;
    }
    let mut heads: BTreeMap<Refspec, CommitId> = refs::list(repo)?;
    heads.retain(|refspec, _| !options.without_refs.contains(refspec));
    if let Some(absent) = retention.only_branches.iter().find(|only| !heads.contains_key(only)) {
        return Err(RepoError::RefNotFound(absent.to_string()));
    }
    for (refspec, head) in heads {
        let retained = retention.branch_depth.get(&refspec);
        let exempt = !retention.only_branches.is_empty() && !retention.only_branches.contains(&refspec);
        if exempt && retained.is_none() {
            keep_depth(repo, head, None, &mut kept)?;
            continue;
        }
        keep_by_rules(repo, head, options, &mut kept)?;
        if let Some(depth) = retained {
            keep_depth(repo, head, *depth, &mut kept)?;
        }
    }
    for ((collection, name), head) in refs::list_collections(repo)? {
        // A repository with a collection id lists its local refs here too.
        let is_local = repo.config().collection_id.as_ref() == Some(&collection);
        if !is_local || !options.without_refs.contains(&Refspec::local(name)) {
            keep_by_rules(repo, head, options, &mut kept)?;
        }
    }
    Ok(kept)
}

fn keep_by_rules(repo: &Repo, head: CommitId, options: &PruneOptions, kept: &mut Kept) -> Result<(), RepoError> {
    match options.retention.keep_younger_than {
        Some(date) => keep_younger(repo, head, date, kept),
        None => keep_depth(repo, head, options.depth, kept),
    }
}

/// Keeps a commit and `depth` of its parents. A commit that is reached again with more parents to go is followed again.
fn keep_depth(repo: &Repo, head: CommitId, depth: Option<u64>, kept: &mut Kept) -> Result<(), RepoError> {
    let mut left = depth.unwrap_or(u64::MAX);
    let mut next = Some(head);
    while let Some(id) = next {
        if kept.get(&id).is_some_and(|&before| before >= left) {
            return Ok(());
        }
        let Some(commit) = load(repo, &id)? else { return Ok(()) };
        kept.insert(id, left);
        // "All parents" never runs out, so that a shared history is followed once.
        left = match left {
            0 => return Ok(()),
            u64::MAX => u64::MAX,
            _ => left - 1,
        };
        next = commit.parent;
    }
    Ok(())
}

fn keep_younger(repo: &Repo, head: CommitId, date: u64, kept: &mut Kept) -> Result<(), RepoError> {
    let mut next = Some(head);
    let mut is_head = true;
    while let Some(id) = next {
        let Some(commit) = load(repo, &id)? else { return Ok(()) };
        if !is_head && commit.timestamp < date {
            return Ok(());
        }
        kept.entry(id).or_insert(0);
        is_head = false;
        next = commit.parent;
    }
    Ok(())
}

/// A commit, if it is there: history may end anywhere.
fn load(repo: &Repo, id: &CommitId) -> Result<Option<Commit>, RepoError> {
    match load_commit(repo, id) {
        Ok(commit) => Ok(Some(commit)),
        Err(StoreError::Missing { .. }) => Ok(None),
        Err(e) => Err(e.into()),
    }
}
