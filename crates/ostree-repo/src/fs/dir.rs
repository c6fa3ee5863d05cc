//! A directory held by descriptor, with the path it was opened by for messages.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::error::RepoError;

/// An open directory. All paths given to its methods are relative to it.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRef<Self> for Dir {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Dir {
    /// Opens the directory at `path`.
    pub fn open(path: &Path) -> Result<Self, RepoError> {
        let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|e| RepoError::io("opening directory", path, e))?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// The path for messages, and for the few calls that know no descriptors.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same directory, to be called `path` in messages.
    pub fn called(self, path: PathBuf) -> Self {
        Self { path, ..self }
    }

    /// A path to `name` that goes through this descriptor, for calls that know paths only and do not follow the last part
    /// of one.
    pub fn path_through(&self, name: impl AsRef<Path>) -> PathBuf {
        let mut path = PathBuf::from(format!("/proc/self/fd/{}", self.fd.as_raw_fd()));
        if rustix::fs::access(&path, rustix::fs::Access::EXISTS).is_err() {
            // No /proc here, as in a bare chroot.
            path = self.path.clone();
        }
        path.push(name);
        path
    }

    /// An error about `name` in this directory.
    pub fn fail(&self, action: &'static str, name: impl AsRef<Path>, error: Errno) -> RepoError {
        RepoError::io(action, self.path.join(name), error)
    }

    /// Opens the subdirectory `name`, which must not be a symlink.
    pub fn open_dir(&self, name: &(impl AsRef<Path> + ?Sized)) -> Result<Self, RepoError> {
        let name = name.as_ref();
        self.try_open_dir(name)?.ok_or_else(|| self.fail("opening directory", name, Errno::NOENT))
    }

    /// Opens the subdirectory `name`, if it is there; a symlink is an error.
    pub fn try_open_dir(&self, name: &(impl AsRef<Path> + ?Sized)) -> Result<Option<Self>, RepoError> {
        let name = name.as_ref();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => Ok(Some(Self { fd, path: self.path.join(name) })),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(self.fail("opening directory", name, e)),
        }
    }

    /// Opens a regular file for reading, if it is there. A symlink gives `ELOOP`.
    pub fn open_file(&self, name: &str) -> Result<Option<File>, Errno> {
        match rustix::fs::openat(&self.fd, name, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
            Ok(fd) => Ok(Some(fd.into())),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Creates a new file for writing; an existing one is an error.
    pub fn create_file(&self, name: &str, mode: u32) -> Result<File, RepoError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(mode))
            .map(File::from)
            .map_err(|e| self.fail("creating", name, e))
    }

    /// Whether `name` is there; symlinks are not followed.
    pub fn exists(&self, name: &str) -> Result<bool, RepoError> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(e) => Err(self.fail("querying", name, e)),
        }
    }

    /// Makes a subdirectory, unless it is there.
    pub fn ensure_dir(&self, name: &str, mode: u32) -> Result<(), RepoError> {
        match rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(mode)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(e) => Err(self.fail("creating directory", name, e)),
        }
    }

    /// Removes a file; whether it was there.
    pub fn remove_file(&self, name: &str) -> Result<bool, RepoError> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(e) => Err(self.fail("removing", name, e)),
        }
    }

    /// The names in this directory, without `.` and `..`. Names that are not UTF-8 are left out: nothing that belongs in
    /// a repository has one.
    pub fn names(&self) -> Result<Vec<String>, RepoError> {
        Ok(self.raw_names()?.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }

    /// All names in this directory, without `.` and `..`.
    fn raw_names(&self) -> Result<Vec<OsString>, RepoError> {
        let entries = rustix::fs::Dir::read_from(&self.fd).map_err(|e| self.fail("listing", "", e))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| self.fail("listing", "", e))?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name.to_vec()));
            }
        }
        Ok(names)
    }

    /// Removes `name` and everything in it, if it is there. Symlinks are removed, not followed.
    pub fn remove_all(&self, name: impl AsRef<Path>) -> Result<(), RepoError> {
        let name = name.as_ref();
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(e) => return Err(self.fail("removing", name, e)),
        }
        if let Some(dir) = self.try_open_dir(name)? {
            for inner in dir.raw_names()? {
                dir.remove_all(Path::new(&inner))?;
            }
        }
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(self.fail("removing", name, e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn names_of_any_bytes_are_removed() {
        let temporary = tempfile::tempdir().unwrap();
        let odd = std::ffi::OsStr::from_bytes(b"\xff\n");
        std::fs::create_dir_all(temporary.path().join("d").join(odd)).unwrap();
        std::fs::write(temporary.path().join("d").join(odd).join(odd), "x").unwrap();
        let dir = Dir::open(temporary.path()).unwrap();
        assert!(dir.open_dir("d").unwrap().names().unwrap().is_empty());
        dir.remove_all("d").unwrap();
        assert!(!dir.exists("d").unwrap());
    }
}
