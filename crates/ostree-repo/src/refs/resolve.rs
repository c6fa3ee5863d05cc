//! From a revision as a user writes it to a commit.

use ostree_core::walk::load_commit;
use ostree_core::{CommitId, Refspec, RemoteName};

use crate::error::RepoError;
use crate::list;
use crate::refs::read::{self, read};
use crate::refs::target::RefTarget;
use crate::repo::Repo;

/// The commit a revision names: a checksum (which need not be there), a unique prefix of the checksum of a commit that is
/// there, a ref, `REMOTE:REF`, or any of these followed by `^` for the parent. A plain ref is looked for among the local
/// ones, then as `REMOTE/REF`, then in every remote, then in the parent repository.
pub fn resolve(repo: &Repo, rev: &str) -> Result<CommitId, RepoError> {
    resolve_with(repo, rev, true)
}

/// As [`resolve`], but a plain ref is never looked for among the remotes' refs.
pub fn resolve_local(repo: &Repo, rev: &str) -> Result<CommitId, RepoError> {
    resolve_with(repo, rev, false)
}

fn resolve_with(repo: &Repo, rev: &str, remotes: bool) -> Result<CommitId, RepoError> {
    if let Ok(commit) = rev.parse() {
        return Ok(commit);
    }
    if rev.len() <= 64 && rev.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        match list::commits_with_prefix(repo, rev)?.as_slice() {
            [] => {}
            [only] => return Ok(*only),
            _ => return Err(RepoError::Request(format!("Refspec {rev} not unique"))),
        }
    }
    if let Some(child) = rev.strip_suffix('^') {
        let child = resolve_with(repo, child, remotes)?;
        let parent = load_commit(repo, &child)?.parent;
        return parent.ok_or_else(|| RepoError::Request(format!("Commit {child} has no parent")));
    }
    let refspec: Refspec = rev.parse()?;
    let found = lookup(repo, &refspec, remotes)?;
    found.ok_or_else(|| RepoError::RefNotFound(refspec.to_string()))
}

fn lookup(repo: &Repo, refspec: &Refspec, remotes: bool) -> Result<Option<CommitId>, RepoError> {
    if let Some(commit) = read(repo, &RefTarget::from(refspec.clone()))? {
        return Ok(Some(commit));
    }
    if refspec.remote.is_none() && remotes {
        if let Some((remote, name)) = refspec.name.as_str().split_once('/')
            && let (Ok(remote), Ok(name)) = (RemoteName::new(remote), name.parse())
            && let Some(commit) = read(repo, &RefTarget::Remote(remote, name))?
        {
            return Ok(Some(commit));
        }
        let mut in_any = read::list(repo)?.into_iter();
        if let Some((_, commit)) = in_any.find(|(known, _)| known.remote.is_some() && known.name == refspec.name) {
            return Ok(Some(commit));
        }
    }
    repo.parent().map_or(Ok(None), |parent| lookup(parent, refspec, remotes))
}
