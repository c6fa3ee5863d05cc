//! Which loose objects a repository holds.

use ostree_core::{Checksum, CommitId, ObjectKind, ObjectName};

use crate::error::RepoError;
use crate::layout;
use crate::repo::Repo;

/// The names of the 256 subdirectories of `objects`.
pub fn prefixes() -> impl Iterator<Item = String> {
    (0..=255u8).map(|byte| format!("{byte:02x}"))
}

/// The objects in one subdirectory of `objects`, in no order. Strange files are passed over. A parent repository is not
/// looked at.
pub fn objects_in(repo: &Repo, prefix: &str) -> Result<Vec<ObjectName>, RepoError> {
    match repo.objects().try_open_dir(prefix)? {
        Some(dir) => Ok(dir.names()?.iter().filter_map(|file| layout::parse_loose(prefix, file)).collect()),
        None => Ok(Vec::new()),
    }
}

/// Every object of this repository, in no order.
pub fn objects(repo: &Repo) -> Result<Vec<ObjectName>, RepoError> {
    let mut all = Vec::new();
    for prefix in prefixes() {
        all.extend(objects_in(repo, &prefix)?);
    }
    Ok(all)
}

/// Every commit of this repository, sorted.
pub fn commits(repo: &Repo) -> Result<Vec<CommitId>, RepoError> {
    commits_with_prefix(repo, "")
}

/// Every commit whose checksum starts with these hexadecimal digits, sorted.
pub fn commits_with_prefix(repo: &Repo, digits: &str) -> Result<Vec<CommitId>, RepoError> {
    let mut found: Vec<Checksum> = Vec::new();
    for prefix in prefixes().filter(|prefix| prefix.starts_with(digits) || digits.starts_with(prefix.as_str())) {
        let names = objects_in(repo, &prefix)?;
        found.extend(names.iter().filter(|name| name.kind == ObjectKind::Commit).map(|name| name.checksum));
    }
    found.retain(|checksum| checksum.to_string().starts_with(digits));
    found.sort();
    Ok(found.into_iter().map(CommitId::new).collect())
}
