//! Which part of a commit is checked out.

use ostree_core::walk::{load_commit, load_dirtree};
use ostree_core::{CommitId, DirMetaId, DirTreeId, FileId};

use crate::error::RepoError;
use crate::repo::Repo;

/// A directory or a file of a commit.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A directory.
    Dir(DirTreeId, DirMetaId),
    /// A file with its name.
    File(String, FileId),
}

/// What is at `path` of the commit; `None` for nothing. A path through a file is an error.
pub fn find(repo: &Repo, commit: &CommitId, path: &str) -> Result<Option<Subject>, RepoError> {
    let commit = load_commit(repo, commit)?;
    let mut found = Subject::Dir(commit.root_tree, commit.root_meta);
    for name in path.split('/').filter(|name| !matches!(*name, "" | ".")) {
        let Subject::Dir(tree, _) = found else { return Err(RepoError::Request("Not a directory".into())) };
        let tree = load_dirtree(repo, &tree)?;
        found = match (tree.dir(name), tree.file(name)) {
            (Some(dir), _) => Subject::Dir(dir.tree, dir.meta),
            (None, Some(file)) => Subject::File(name.to_owned(), file.file),
            (None, None) => return Ok(None),
        };
    }
    Ok(Some(found))
}
