//! Whether there is room in a repository for layers that are still to be fetched.

use ostree_repo::{FreeSpace, Repo};

use crate::error::ContainerError;
use crate::need::Need;

/// Refuses what cannot fit by what is known, before anything is fetched.
///
/// # Errors
/// [`ContainerError::NoRoom`] with the exact shortfall, and that the file system cannot be asked.
pub fn check(repo: &Repo, need: Need) -> Result<(), ContainerError> {
    check_against(repo, need, FreeSpace::of(repo)?)
}

/// The same with the free space as it was found before.
///
/// # Errors
/// [`ContainerError::NoRoom`] with the exact shortfall.
pub fn check_against(repo: &Repo, need: Need, space: FreeSpace) -> Result<(), ContainerError> {
    match space.shortfall(need.bytes) {
        0 => Ok(()),
        shortfall => Err(ContainerError::NoRoom { repo: repo.path().to_owned(), need, space, shortfall }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostree_repo::RepoMode;

    #[test]
    fn a_layer_that_is_too_large_is_refused_and_says_by_how_much() {
        let dir = tempfile::tempdir().unwrap();
        let repo = ostree_repo::create(&dir.path().join("r"), RepoMode::BareUser, None).unwrap();
        check(&repo, Need { bytes: 1, exact: true }).unwrap();
        let space = FreeSpace::of(&repo).unwrap();
        let bytes = space.available() + 1000;
        match check_against(&repo, Need { bytes, exact: false }, space) {
            Err(problem @ ContainerError::NoRoom { shortfall: 1000, .. }) => {
                let text = problem.to_string();
                assert!(text.contains(&format!("at least {bytes} bytes")), "{text}");
                assert!(text.contains("1000 bytes short"), "{text}");
            }
            other => panic!("{other:?}"),
        }
    }
}
