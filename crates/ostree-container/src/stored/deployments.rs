//! The deployments of a system root, as far as images are concerned: which commits they are and which images they follow.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use oci_image::{ImageReference, OstreeImageReference};
use ostree_core::CommitId;
use ostree_repo::Repo;
use ostree_repo::keyfile::KeyFile;

use crate::error::ContainerError;
use crate::keys::ORIGIN_IMAGE;
use crate::limits::MAX_ORIGIN;

/// A deployment that is on disk, whether it can be booted or only waits to be cleaned up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its origin file.
    pub origin: PathBuf,
    /// The commit.
    pub commit: CommitId,
    /// The image that its origin names, if any; in words, why that cannot be told.
    pub image: Result<Option<ImageReference>, String>,
}

/// The repository of a system root.
pub fn repo_path(sysroot: &Path) -> PathBuf {
    sysroot.join("ostree/repo")
}

/// The deployments that `repo` keeps the content of; none where it is not the repository of a system root.
///
/// # Errors
/// Those of reading the directories.
pub fn of_repo(repo: &Repo) -> Result<Vec<Deployment>, ContainerError> {
    match repo.path().parent() {
        Some(parent) if repo.path().ends_with("ostree/repo") => list(&parent.join("deploy")),
        _ => Ok(Vec::new()),
    }
}

/// Every `STATEROOT/deploy/CHECKSUM.SERIAL` below `deploy`, sorted by path.
fn list(deploy: &Path) -> Result<Vec<Deployment>, ContainerError> {
    let mut found = Vec::new();
    for stateroot in names(deploy)? {
        let directory = deploy.join(stateroot).join("deploy");
        for name in names(&directory)? {
            let Some((checksum, serial)) = name.split_once('.') else { continue };
            if let Ok(commit) = checksum.parse()
                && serial.bytes().all(|byte| byte.is_ascii_digit())
            {
                let origin = directory.join(format!("{name}.origin"));
                found.push(Deployment { image: image(&origin), origin, commit });
            }
        }
    }
    Ok(found)
}

/// The names in a directory, sorted; one that is not there is empty. What is not UTF-8 is none of ours.
fn names(directory: &Path) -> Result<Vec<String>, ContainerError> {
    let fail = |source| ContainerError::Io { action: "reading directory", path: directory.to_owned(), source };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(e) => return Err(fail(e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(fail)?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

fn image(origin: &Path) -> Result<Option<ImageReference>, String> {
    let size = match fs::metadata(origin) {
        Ok(metadata) => metadata.len(),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.to_string()),
    };
    if size > MAX_ORIGIN {
        return Err(format!("{size} bytes are more than the limit of {MAX_ORIGIN}"));
    }
    let text = fs::read_to_string(origin).map_err(|e| e.to_string())?;
    let file = KeyFile::parse(&text)?;
    let Some(reference) = file.get("origin", ORIGIN_IMAGE) else { return Ok(None) };
    // Some writers leave the signature scheme away.
    let parsed = reference.parse::<OstreeImageReference>().map(|full| full.imgref);
    parsed.or_else(|problem| reference.parse().map_err(|_| problem.to_string())).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_found_and_damaged_ones_told() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("ostree/deploy/os/deploy");
        let commit = |digit: &str| digit.repeat(64);
        for (digit, text) in [
            ("a", Some("[origin]\ncontainer-image-reference=ostree-unverified-registry:registry.example.com/os\n")),
            ("b", Some("[origin]\nrefspec=os:stable\n")),
            ("c", Some("[origin]\ncontainer-image-reference=nonsense\n")),
            ("d", None),
        ] {
            fs::create_dir_all(directory.join(format!("{}.0", commit(digit)))).unwrap();
            if let Some(text) = text {
                fs::write(directory.join(format!("{}.0.origin", commit(digit))), text).unwrap();
            }
        }
        let found = list(&root.path().join("ostree/deploy")).unwrap();
        let images: Vec<_> = found.iter().map(|deployment| deployment.image.clone()).collect();
        assert_eq!(images[0], Ok(Some("registry:registry.example.com/os".parse().unwrap())));
        assert_eq!((&images[1], &images[3]), (&Ok(None), &Ok(None)));
        assert!(images[2].is_err());
        assert_eq!(found[0].commit.to_string(), commit("a"));
        assert!(list(&root.path().join("nothing")).unwrap().is_empty());
    }
}
