//! What the last step of a container build does away with: the content of directories that no image should have.

use std::ffi::OsStr;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ostree_repo::keyfile::KeyFile;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Statx, StatxAttributes, StatxFlags};
use rustix::io::Errno;

use crate::error::ContainerError;
use crate::keys::{CONTAINER_REPO_CONFIG, OLD_CONTAINER_REPO_CONFIG};

/// The directories whose content goes; they themselves stay.
const CLEANED: [&str; 4] = ["run", "tmp", "var/tmp", "var/cache"];

/// How a directory is opened.
const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// What the variables of the process say of where it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Variables {
    /// Whether `container` is set, as container engines do.
    pub container: bool,
    /// Whether `INVOCATION_ID` is set, as systemd does for its services.
    pub service: bool,
}

/// Cleans the root file system of a container that was made of an encapsulated commit. What is mounted below stays, with
/// the directories above it.
///
/// # Errors
/// [`ContainerError::Request`] where `root` is no such file system, or no container runs on it;
/// [`ContainerError::Io`] for what cannot be read or deleted.
pub fn clean_container(root: &Path, variables: Variables) -> Result<(), ContainerError> {
    if !has_container_repo(root) || !is_container(root, variables) {
        return Err(ContainerError::Request("Not in an ostree-based container environment".to_owned()));
    }
    let opened = rustix::fs::open(root, DIRECTORY, Mode::empty()).map_err(|e| fail("opening", root, e))?;
    let stat = stat(&opened, OsStr::new(""), root)?;
    let cleaner = Cleaner { device: device(&stat) };
    for name in CLEANED {
        let path = root.join(name);
        if let Some(directory) = open_below(&opened, name).map_err(|e| fail("opening", &path, e))? {
            cleaner.clean(&directory, &path)?;
        }
    }
    Ok(())
}

/// Whether the file system holds the repository that encapsulated commits bring along.
fn has_container_repo(root: &Path) -> bool {
    let text = [CONTAINER_REPO_CONFIG, OLD_CONTAINER_REPO_CONFIG]
        .iter()
        .find_map(|path| fs::read_to_string(root.join(path)).ok());
    let file = text.and_then(|text| KeyFile::parse(&text).ok());
    file.is_some_and(|file| file.get("core", "mode") == Some("bare-split-xattrs"))
}

fn is_container(root: &Path, variables: Variables) -> bool {
    let there = |path: &str| root.join(path).exists();
    let engine = variables.container || there("run/.containerenv") || there(".dockerenv");
    engine || !(variables.service || there("run/ostree-booted"))
}

/// Opens a directory below `root`; links lead to places below `root`, too. `None` if it is not there, or is none.
fn open_below(root: &OwnedFd, name: &str) -> rustix::io::Result<Option<OwnedFd>> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let opened = match rustix::fs::openat2(root, name, DIRECTORY, Mode::empty(), resolve) {
        // Some engines do not let the system call through.
        Err(Errno::NOSYS | Errno::PERM) => rustix::fs::openat(root, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()),
        other => other,
    };
    match opened {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(e) => Err(e),
    }
}

struct Cleaner {
    /// The device of the root; everything else is mounted from elsewhere.
    device: (u32, u32),
}

impl Cleaner {
    /// Deletes what a directory holds; whether it is empty then.
    fn clean(&self, directory: &OwnedFd, path: &Path) -> Result<bool, ContainerError> {
        let mut is_empty = true;
        for name in names(directory, path)? {
            is_empty &= self.entry(directory, name.as_os_str(), &path.join(&name))?;
        }
        Ok(is_empty)
    }

    /// Deletes an entry of a directory; whether it is gone.
    fn entry(&self, directory: &OwnedFd, name: &OsStr, path: &Path) -> Result<bool, ContainerError> {
        let stat = match rustix::fs::statx(directory, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS) {
            Err(Errno::NOENT) => return Ok(true),
            other => other.map_err(|e| fail("querying", path, e))?,
        };
        if device(&stat) != self.device || stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
            return Ok(false);
        }
        let mut flags = AtFlags::empty();
        if FileType::from_raw_mode(stat.stx_mode.into()).is_dir() {
            let inner = rustix::fs::openat(directory, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty());
            if !self.clean(&inner.map_err(|e| fail("opening", path, e))?, path)? {
                return Ok(false);
            }
            flags = AtFlags::REMOVEDIR;
        }
        match rustix::fs::unlinkat(directory, name, flags) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            // A mount point in a place this process does not see.
            Err(Errno::BUSY) => Ok(false),
            Err(e) => Err(fail("removing", path, e)),
        }
    }
}

/// The names in a directory, read before any of them goes.
fn names(directory: &OwnedFd, path: &Path) -> Result<Vec<PathBuf>, ContainerError> {
    let entries = rustix::fs::Dir::read_from(directory).map_err(|e| fail("reading directory", path, e))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| fail("reading directory", path, e))?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(PathBuf::from(OsStr::from_bytes(name)));
        }
    }
    Ok(names)
}

fn stat(directory: &OwnedFd, name: &OsStr, path: &Path) -> Result<Statx, ContainerError> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH;
    rustix::fs::statx(directory, name, flags, StatxFlags::BASIC_STATS).map_err(|e| fail("querying", path, e))
}

fn device(stat: &Statx) -> (u32, u32) {
    (stat.stx_dev_major, stat.stx_dev_minor)
}

fn fail(action: &'static str, path: &Path, source: Errno) -> ContainerError {
    ContainerError::Io { action, path: path.to_owned(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const ENGINE: Variables = Variables { container: true, service: true };

    fn root(mode: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let config = root.path().join(CONTAINER_REPO_CONFIG);
        fs::create_dir_all(config.parent().unwrap()).unwrap();
        fs::write(config, format!("[core]\nrepo_version=1\nmode={mode}\n")).unwrap();
        root
    }

    #[test]
    fn content_goes_and_nothing_outside_of_it() {
        let root = root("bare-split-xattrs");
        let path = |name: &str| root.path().join(name);
        for name in ["run/lock/deep", "var/tmp", "var/cache/dnf", "var/lib", "sysroot/tmp/x"] {
            fs::create_dir_all(path(name)).unwrap();
        }
        fs::write(path("var/lib/kept"), "").unwrap();
        fs::write(path("run/lock/deep/file"), "").unwrap();
        symlink(path("var/lib"), path("var/cache/dnf/link")).unwrap();
        symlink("/sysroot/tmp", path("tmp")).unwrap();
        clean_container(root.path(), ENGINE).unwrap();
        for name in ["run", "var/tmp", "var/cache", "sysroot/tmp"] {
            assert_eq!(fs::read_dir(path(name)).unwrap().count(), 0, "{name}");
        }
        assert!(path("var/lib/kept").exists() && path("tmp").is_symlink());
    }

    #[test]
    fn other_places_are_refused() {
        let refused = |root: &Path, variables| matches!(clean_container(root, variables), Err(ContainerError::Request(text)) if text.starts_with("Not in"));
        assert!(refused(tempfile::tempdir().unwrap().path(), ENGINE));
        assert!(refused(root("bare").path(), ENGINE));
        let container = root("bare-split-xattrs");
        assert!(refused(container.path(), Variables { container: false, service: true }));
        clean_container(container.path(), Variables::default()).unwrap();
        fs::create_dir(container.path().join("run")).unwrap();
        fs::write(container.path().join("run/ostree-booted"), "").unwrap();
        assert!(refused(container.path(), Variables::default()));
        fs::write(container.path().join(".dockerenv"), "").unwrap();
        clean_container(container.path(), Variables::default()).unwrap();
    }
}
