//! Which commits of the source are asked for, and under which refs.

use std::collections::BTreeSet;

use ostree_core::{Checksum, Commit, CommitId, ObjectError, ReadObject, RefName, Refspec, StoreError};

use crate::bindings;
use crate::copy::options::CopyOptions;
use crate::error::RepoError;
use crate::refs::{self, RefTarget};
use crate::repo::Repo;

/// A commit to copy.
pub struct Wanted {
    /// Its name.
    pub id: CommitId,
    /// The object.
    pub bytes: Vec<u8>,
    /// The object, read.
    pub commit: Commit,
}

/// What a copy is to bring.
#[derive(Default)]
pub struct Request {
    /// The refs to set in the end.
    pub refs: Vec<(RefTarget, CommitId)>,
    /// The commits, children before parents, each once.
    pub commits: Vec<Wanted>,
    /// Parents that the source has deleted, leaving a tombstone.
    pub tombstones: Vec<CommitId>,
}

/// Finds the commits for `names`, which are refs or checksums; for all local refs where there is none. Everything that
/// can be checked without the trees is checked here.
pub fn resolve(src: &Repo, names: &[&str], options: &CopyOptions<'_>) -> Result<Request, RepoError> {
    let mut request = Request::default();
    let mut seen = BTreeSet::new();
    for (name, id) in heads(src, names)? {
        add_history(src, id, options, &mut seen, &mut request)?;
        let Some(name) = name else { continue };
        let wanted = request.commits.iter().find(|wanted| wanted.id == id);
        if let Some(wanted) = wanted.filter(|_| !options.disable_verify_bindings) {
            bindings::check(&id, &wanted.commit, None, &name)?;
        }
        let target = match options.remote {
            Some(remote) => RefTarget::Remote(remote.clone(), name),
            None => RefTarget::Local(name),
        };
        request.refs.push((target, id));
    }
    Ok(request)
}

fn heads(src: &Repo, names: &[&str]) -> Result<Vec<(Option<RefName>, CommitId)>, RepoError> {
    if names.is_empty() {
        let local = refs::list(src)?.into_iter().filter(|(refspec, _)| refspec.remote.is_none());
        return Ok(local.map(|(refspec, id)| (Some(refspec.name), id)).collect());
    }
    let mut heads = Vec::new();
    for name in names {
        if let Ok(id) = name.parse() {
            heads.push((None, id));
            continue;
        }
        let name = RefName::new(*name).map_err(|e| match e {
            ObjectError::Invalid { reason, .. } => RepoError::Request(reason),
            other => other.into(),
        })?;
        let id = find(src, &name)?.ok_or_else(|| RepoError::RefNotFound(name.to_string()))?;
        heads.push((Some(name), id));
    }
    Ok(heads)
}

fn find(src: &Repo, name: &RefName) -> Result<Option<CommitId>, RepoError> {
    match refs::read(src, &RefTarget::from(Refspec::local(name.clone())))? {
        None => src.parent().map_or(Ok(None), |parent| find(parent, name)),
        found => Ok(found),
    }
}

fn add_history(
    src: &Repo,
    head: CommitId,
    options: &CopyOptions<'_>,
    seen: &mut BTreeSet<CommitId>,
    request: &mut Request,
) -> Result<(), RepoError> {
    let mut left = options.depth.unwrap_or(u64::MAX);
    let mut next = Some(head);
    while let Some(id) = next {
        let Some(bytes) = src.read_metadata(&id.object())? else {
            if id == head {
                return Err(StoreError::Missing { name: id.object() }.into());
            }
            if crate::tombstone::exists(src, &id)? {
                request.tombstones.push(id);
            }
            return Ok(());
        };
        let actual = Checksum::of(&bytes);
        if actual != *id.checksum() {
            let (kind, expected) = (id.object().kind, *id.checksum());
            return Err(StoreError::ChecksumMismatch { kind, expected, actual }.into());
        }
        let commit = Commit::decode(&bytes).map_err(|source| StoreError::Object { name: id.object(), source })?;
        next = commit.parent.filter(|_| left > 0);
        left = left.saturating_sub(u64::from(left != u64::MAX));
        if seen.insert(id) {
            request.commits.push(Wanted { id, bytes, commit });
        }
    }
    Ok(())
}
