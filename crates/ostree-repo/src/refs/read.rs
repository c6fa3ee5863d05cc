//! Reading and listing refs.

use std::collections::BTreeMap;

use ostree_core::{CommitId, RefName, Refspec, RemoteName};
use rustix::io::Errno;

use crate::error::RepoError;
use crate::fs::{Dir, small_file};
use crate::limits::MAX_REF_SIZE;
use crate::refs::target::RefTarget;
use crate::repo::Repo;

/// The commit a ref points to; `None` if there is no such ref. Parent repositories are not looked at.
pub fn read(repo: &Repo, target: &RefTarget) -> Result<Option<CommitId>, RepoError> {
    read_path(repo.dir(), &target.path())
}

fn read_path(dir: &Dir, path: &str) -> Result<Option<CommitId>, RepoError> {
    let Some(bytes) = small_file::read(dir, path, MAX_REF_SIZE)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let commit = text.trim_end().parse::<CommitId>();
    commit.map(Some).map_err(|e| {
        RepoError::from(ostree_core::ObjectError::from(e)).context(format!("ref {}", dir.path().join(path).display()))
    })
}

/// A local ref, whose file may be damaged.
#[derive(Debug)]
pub struct LocalRef {
    /// Its name.
    pub name: RefName,
    /// The commit it points to, or what is wrong with its file.
    pub commit: Result<CommitId, RepoError>,
}

/// The local refs whose names begin with `prefix` and a `/`, sorted. A damaged one does not hide the others.
pub fn list_prefix(repo: &Repo, prefix: &RefName) -> Result<Vec<LocalRef>, RepoError> {
    let base = format!("refs/heads/{prefix}");
    let mut found = Vec::new();
    for below in names_below(repo, &base)? {
        let name = RefName::new(format!("{prefix}/{below}"))?;
        // One that went away meanwhile is none.
        if let Some(commit) = read_path(repo.dir(), &format!("{base}/{below}")).transpose() {
            found.push(LocalRef { name, commit });
        }
    }
    Ok(found)
}

/// Every ref in `refs/heads` and `refs/remotes`, sorted. Files whose names are no ref names are passed over.
pub fn list(repo: &Repo) -> Result<BTreeMap<Refspec, CommitId>, RepoError> {
    let mut found = BTreeMap::new();
    for (name, commit) in list_below(repo, "refs/heads")? {
        found.insert(Refspec::local(name), commit);
    }
    if let Some(remotes) = repo.dir().try_open_dir("refs/remotes")? {
        for remote in remotes.names()?.into_iter().filter_map(|name| RemoteName::new(name).ok()) {
            for (name, commit) in list_below(repo, &format!("refs/remotes/{remote}"))? {
                found.insert(Refspec { remote: Some(remote.clone()), name }, commit);
            }
        }
    }
    Ok(found)
}

/// Every ref of a collection, by collection id and name: those in `refs/mirrors`, and the local ones where the repository
/// has a collection id of its own.
pub fn list_collections(repo: &Repo) -> Result<BTreeMap<(String, RefName), CommitId>, RepoError> {
    let mut found = BTreeMap::new();
    if let Some(own) = &repo.config().collection_id {
        found.extend(list_below(repo, "refs/heads")?.into_iter().map(|(name, commit)| ((own.clone(), name), commit)));
    }
    if let Some(mirrors) = repo.dir().try_open_dir("refs/mirrors")? {
        for collection in mirrors.names()? {
            if crate::create::check_collection_id(&collection).is_ok() {
                for (name, commit) in list_below(repo, &format!("refs/mirrors/{collection}"))? {
                    found.insert((collection.clone(), name), commit);
                }
            }
        }
    }
    Ok(found)
}

/// The aliases in `refs/heads`: each with the ref it stands for.
pub fn aliases(repo: &Repo) -> Result<BTreeMap<RefName, RefName>, RepoError> {
    let mut found = BTreeMap::new();
    for name in names_below(repo, "refs/heads")? {
        let path = format!("refs/heads/{name}");
        match rustix::fs::readlinkat(repo.dir(), &path, Vec::new()) {
            Ok(target) => {
                let target = target.to_string_lossy();
                if let Ok(target) = RefName::new(target.trim_start_matches("../")) {
                    found.insert(name, target);
                }
            }
            Err(Errno::INVAL | Errno::NOENT) => {}
            Err(e) => return Err(repo.dir().fail("reading link", &path, e)),
        }
    }
    Ok(found)
}

fn list_below(repo: &Repo, base: &str) -> Result<BTreeMap<RefName, CommitId>, RepoError> {
    let mut found = BTreeMap::new();
    for name in names_below(repo, base)? {
        if let Some(commit) = read_path(repo.dir(), &format!("{base}/{name}"))? {
            found.insert(name, commit);
        }
    }
    Ok(found)
}

/// The names of all files below `base` that are ref names.
pub(super) fn names_below(repo: &Repo, base: &str) -> Result<Vec<RefName>, RepoError> {
    let mut names = Vec::new();
    let mut pending = vec![String::new()];
    while let Some(prefix) = pending.pop() {
        let Some(dir) = repo.dir().try_open_dir(&join(base, &prefix))? else { continue };
        for entry in dir.names()?.into_iter().filter(|entry| RefName::is_fragment(entry)) {
            let name = join(&prefix, &entry);
            let stat = rustix::fs::statat(&dir, entry.as_str(), rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|e| dir.fail("querying", &entry, e))?;
            match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
                rustix::fs::FileType::Directory => pending.push(name),
                _ => names.extend(RefName::new(name).ok()),
            }
        }
    }
    names.sort();
    Ok(names)
}

fn join(base: &str, name: &str) -> String {
    match (base, name) {
        ("", name) => name.to_owned(),
        (base, "") => base.to_owned(),
        (base, name) => format!("{base}/{name}"),
    }
}
