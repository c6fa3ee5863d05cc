//! Deleting the static deltas that lead to commits which are gone.

use ostree_core::{Checksum, CommitId};

use crate::error::RepoError;
use crate::fs::Dir;
use crate::repo::Repo;

/// Deletes every delta whose target commit is not in this repository.
pub fn remove_orphans(repo: &Repo) -> Result<(), RepoError> {
    remove_where(repo, &|to| Ok(!repo.objects().exists(&repo.loose_path(&to.object()))?))
}

/// Deletes every delta that leads to `commit`.
pub fn remove_to(repo: &Repo, commit: &CommitId) -> Result<(), RepoError> {
    remove_where(repo, &|to| Ok(to == commit))
}

fn remove_where(repo: &Repo, wanted: &dyn Fn(&CommitId) -> Result<bool, RepoError>) -> Result<(), RepoError> {
    let Some(deltas) = repo.dir().try_open_dir("deltas")? else { return Ok(()) };
    for prefix in deltas.names()? {
        // Anything that is no directory does not belong to a delta.
        let Ok(Some(dir)) = deltas.try_open_dir(&prefix) else { continue };
        for rest in dir.names()? {
            if let Some(to) = target(&prefix, &rest)
                && wanted(&to)?
            {
                remove(&dir, &rest)?;
            }
        }
    }
    Ok(())
}

/// The superblock goes first: without it the delta does not exist, however much of the rest is left.
fn remove(dir: &Dir, name: &str) -> Result<(), RepoError> {
    dir.remove_file(&format!("{name}/superblock"))?;
    dir.remove_all(name)
}

/// The commit that the delta in the directory `prefix/rest` leads to: `FROM-TO` or `TO`.
fn target(prefix: &str, rest: &str) -> Option<CommitId> {
    match rest.split_once('-') {
        Some((_, to)) => decode(to),
        None => decode(&format!("{prefix}{rest}")),
    }
}

/// A checksum in base64 without padding, with `_` in place of `/`.
fn decode(text: &str) -> Option<CommitId> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+_";
    let mut bytes = Vec::with_capacity(Checksum::LEN);
    let (mut bits, mut count) = (0u32, 0u32);
    for character in text.bytes() {
        let value = ALPHABET.iter().position(|&known| known == character)?;
        bits = (bits << 6 | value as u32) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Checksum::from_bytes(&bytes).ok().map(CommitId::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_deltas() {
        // Names that the reference program gave to the deltas of these commits.
        let to = "9309d4d59ef4e0cc7a72647b3c01311c00a60a0973ea65650334a308dcbf0f94";
        let rest = "AQaGFLx6PsI3So9Sb2j64V7RV59BzFZPHR_8ByADo-kwnU1Z704Mx6cmR7PAExHACmCglz6mVlAzSjCNy_D5Q";
        assert_eq!(target("5f", rest).map(|to| to.to_string()).as_deref(), Some(to));
        assert!(target("h5", "rAFBSj6tzKV5f_u787gQ4htXtWvau5LT8CJM6LQXM").is_some());
        assert_eq!(target("h5", "x"), None);
        assert_eq!(target("h5", "rAFBSj6tzKV5f/u787gQ4htXtWvau5LT8CJM6LQXM"), None);
    }
}
