//! Which commits need an object that turned out to be bad.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use ostree_core::limits::MAX_TREE_DEPTH;
use ostree_core::walk::{load_commit, load_dirtree};
use ostree_core::{CommitId, DirEntry, DirTreeId, ObjectName};

use crate::repo::Repo;

/// The bad objects in and below a directory.
type Found = Rc<BTreeSet<ObjectName>>;

/// For every object of `bad` the commits among `commits` that reach it, sorted. Only called when something is bad, so the
/// trees are read once more rather than remembered from the first walk. What cannot be read is not followed.
pub fn commits_of(
    repo: &Repo,
    commits: &[CommitId],
    bad: &BTreeSet<ObjectName>,
) -> BTreeMap<ObjectName, Vec<CommitId>> {
    let mut blamed: BTreeMap<ObjectName, Vec<CommitId>> = BTreeMap::new();
    let mut known = HashMap::new();
    for id in commits {
        let mut found = BTreeSet::new();
        found.extend(Some(id.object()).filter(|name| bad.contains(name)));
        if found.is_empty()
            && let Ok(commit) = load_commit(repo, id)
        {
            found.extend(Some(commit.root_meta.object()).filter(|name| bad.contains(name)));
            found.extend(below(repo, commit.root_tree, bad, &mut known).iter().copied());
        }
        for name in found {
            blamed.entry(name).or_default().push(*id);
        }
    }
    blamed
}

/// A directory whose subdirectories are being looked into.
struct Open {
    id: DirTreeId,
    dirs: std::vec::IntoIter<DirEntry>,
    found: BTreeSet<ObjectName>,
}

fn below(repo: &Repo, root: DirTreeId, bad: &BTreeSet<ObjectName>, known: &mut HashMap<DirTreeId, Found>) -> Found {
    if let Some(found) = known.get(&root) {
        return Rc::clone(found);
    }
    let mut stack = vec![open(repo, root, bad)];
    let mut result = Found::default();
    while let Some(top) = stack.last_mut() {
        if let Some(dir) = top.dirs.next() {
            top.found.extend(Some(dir.meta.object()).filter(|name| bad.contains(name)));
            match known.get(&dir.tree) {
                Some(found) => top.found.extend(found.iter().copied()),
                None if stack.len() <= MAX_TREE_DEPTH => stack.push(open(repo, dir.tree, bad)),
                None => {}
            }
        } else if let Some(done) = stack.pop() {
            result = Rc::new(done.found);
            known.insert(done.id, Rc::clone(&result));
            if let Some(parent) = stack.last_mut() {
                parent.found.extend(result.iter().copied());
            }
        }
    }
    result
}

fn open(repo: &Repo, id: DirTreeId, bad: &BTreeSet<ObjectName>) -> Open {
    let mut found = BTreeSet::from_iter(Some(id.object()).filter(|name| bad.contains(name)));
    let mut dirs = Vec::new();
    if found.is_empty()
        && let Ok(tree) = load_dirtree(repo, &id)
    {
        found.extend(tree.files().iter().map(|entry| entry.file.object()).filter(|name| bad.contains(name)));
        dirs = tree.dirs().to_vec();
    }
    Open { id, dirs: dirs.into_iter(), found }
}
