//! A repository that is there for one command only.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use oci_image::{ImageReference, Transport};
use ostree_repo::{Repo, RepoMode, create};
use tempfile::TempDir;

use crate::context::Context;

/// What the names of the directories begin with.
const PREFIX: &str = ".ostree-container.";

/// A private repository where there is room for an image, removed with the value.
pub struct Scratch {
    /// The repository.
    pub repo: Repo,
    _dir: TempDir,
}

impl Scratch {
    /// Makes one that every user can write: `bare-user`, or `archive` on a file system without user xattrs. It is in
    /// `$TMPDIR` if that is set, else with the `repo` that the command writes to or reads, else beside a `destination` on
    /// disk, else in `/var/tmp`.
    pub fn new(context: &Context, repo: Option<&Path>, destination: &ImageReference) -> Result<Self> {
        let dir = directory(&places(std::env::var_os("TMPDIR").as_deref(), repo, destination))?;
        let repo = create(&dir.path().join("bare-user"), RepoMode::BareUser, None)
            .or_else(|_| create(&dir.path().join("archive"), RepoMode::Archive, None))?;
        if context.verbose {
            eprintln!("using a temporary repository in {}", dir.path().display());
        }
        Ok(Self { repo, _dir: dir })
    }
}

/// A directory in the first of some places that takes it.
fn directory(places: &[PathBuf]) -> Result<TempDir> {
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    for place in places {
        match tempfile::Builder::new().prefix(PREFIX).tempdir_in(place) {
            Ok(dir) => return Ok(dir),
            Err(error) => failed = error,
        }
    }
    let names: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    Err(failed).with_context(|| format!("making a directory in {} (see TMPDIR)", names.join(" or ")))
}

/// Where there may be room for an image, the best place first.
fn places(asked: Option<&OsStr>, repo: Option<&Path>, destination: &ImageReference) -> Vec<PathBuf> {
    if let Some(asked) = asked.filter(|asked| !asked.is_empty()) {
        return vec![asked.into()];
    }
    let beside = on_disk(destination).and_then(|path| {
        // What the destination is made in may have to be made, too.
        path.ancestors()
            .skip(1)
            .map(|above| if above == Path::new("") { Path::new(".") } else { above })
            .find(|above| above.is_dir())
    });
    let own = repo.map(|repo| repo.join("tmp"));
    own.into_iter().chain(beside.map(Path::to_owned)).chain(["/var/tmp".into(), "/tmp".into()]).collect()
}

/// The file or directory that an image is written to.
fn on_disk(image: &ImageReference) -> Option<&Path> {
    match image.transport {
        Transport::OciDir | Transport::OciArchive | Transport::DockerArchive => Some(Path::new(image.path_and_tag().0)),
        Transport::Dir => Some(Path::new(&image.name)),
        Transport::Registry | Transport::ContainersStorage | Transport::DockerDaemon => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(asked: Option<&str>, repo: Option<&str>, destination: &str) -> PathBuf {
        places(asked.map(OsStr::new), repo.map(Path::new), &destination.parse().unwrap()).remove(0)
    }

    #[test]
    fn there_is_room_where_the_image_goes() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().display();
        for image in [format!("oci:{here}/a/b/c:tag"), format!("oci-archive:{here}/x.tar"), format!("dir:{here}/x:y")] {
            assert_eq!(first(None, None, &image), dir.path(), "{image}");
        }
        assert_eq!(first(None, None, "oci:x"), Path::new("."));
        assert_eq!(first(None, None, "docker://h.example/x"), Path::new("/var/tmp"));
        assert_eq!(first(None, Some("/r"), "oci:x"), Path::new("/r/tmp"));
        assert_eq!(first(Some("/t"), Some("/r"), "oci:x"), Path::new("/t"));
        assert_eq!(first(Some(""), None, "oci:x"), Path::new("."));
    }

    #[test]
    fn the_next_place_is_taken_where_one_fails() {
        let dir = tempfile::tempdir().unwrap();
        let made = directory(&[dir.path().join("gone"), dir.path().to_owned()]).unwrap();
        assert_eq!(made.path().parent(), Some(dir.path()));
        let gone = made.path().to_owned();
        drop(made);
        assert!(!gone.exists());
        let message = format!("{:#}", directory(&[dir.path().join("gone")]).unwrap_err());
        assert!(message.contains("/gone (see TMPDIR)"), "{message}");
    }
}
