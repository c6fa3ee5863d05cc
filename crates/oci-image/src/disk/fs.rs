//! Files of an image directory: found without leaving it, staged without a name, and put in place in one step.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::ImageError;

/// An open directory. Names given to it stay inside of it: `..`, absolute names and symbolic links that lead out are
/// refused by the kernel.
#[derive(Debug, Clone)]
pub(super) struct Dir(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    fd: OwnedFd,
    path: PathBuf,
}

impl Dir {
    /// Opens an existing directory.
    pub(super) fn open(path: &Path) -> Result<Self, ImageError> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(fd) => Ok(Self(Arc::new(Inner { fd, path: path.to_owned() }))),
            Err(error) => Err(io_error("opening directory", path, error)),
        }
    }

    /// Opens a directory, which is made if it is not there. Its parent must be.
    pub(super) fn create(path: &Path) -> Result<Self, ImageError> {
        match rustix::fs::mkdir(path, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => Self::open(path),
            Err(error) => Err(io_error("creating directory", path, error)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Makes a directory inside; its parent must be there.
    pub(super) fn make_dir(&self, name: &str) -> Result<(), ImageError> {
        match rustix::fs::mkdirat(&self.0.fd, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(self.error("creating directory", name, error)),
        }
    }

    /// Opens a regular file inside; `None` when there is none.
    pub(super) fn open_file(&self, name: &str) -> Result<Option<File>, ImageError> {
        // Without NONBLOCK a named pipe would keep us waiting here.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match self.open_beneath(name, flags) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(self.error("opening", name, error)),
        };
        let metadata = file.metadata().map_err(|error| self.error("examining", name, error))?;
        if !metadata.is_file() {
            let what = self.0.path.join(name).display().to_string();
            return Err(ImageError::Invalid { what, reason: "not a regular file".to_owned() });
        }
        Ok(Some(file))
    }

    fn open_beneath(&self, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(&self.0.fd, name, flags, Mode::empty(), resolve) {
            // Kernels before 5.6: names are ours and hold no `..`, so the last component is all that could lead out.
            Err(Errno::NOSYS) => rustix::fs::openat(&self.0.fd, name, flags | OFlags::NOFOLLOW, Mode::empty()),
            other => other,
        }
    }

    /// Reads a file of at most `limit` bytes; `None` when there is none.
    pub(super) fn read_small(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, ImageError> {
        let Some(file) = self.open_file(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| self.error("reading", name, error))?;
        if bytes.len() as u64 > limit {
            let what = self.0.path.join(name).display().to_string();
            return Err(ImageError::Invalid { what, reason: format!("more than {limit} bytes") });
        }
        Ok(Some(bytes))
    }

    /// The size of a regular file inside in bytes; `None` when there is none.
    pub(super) fn size_of(&self, name: &str) -> Result<Option<u64>, ImageError> {
        let Some(file) = self.open_file(name)? else { return Ok(None) };
        file.metadata().map(|metadata| Some(metadata.len())).map_err(|error| self.error("examining", name, error))
    }

    /// The names of everything directly inside.
    pub(super) fn names(&self) -> Result<Vec<String>, ImageError> {
        let listing = |error| self.error("listing", "", error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.0.path).map_err(listing)? {
            names.push(entry.map_err(listing)?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    /// Removes a file that may be there.
    pub(super) fn remove(&self, name: &str) -> Result<(), ImageError> {
        match rustix::fs::unlinkat(&self.0.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.error("removing", name, error)),
        }
    }

    /// Starts a file in the directory `inside` (`""` for this one) that has no final name yet.
    pub(super) fn stage(&self, inside: &str) -> Result<Staged, ImageError> {
        let place = if inside.is_empty() { "." } else { inside };
        let mode = Mode::from_raw_mode(0o644);
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let (fd, temporary) = match rustix::fs::openat(&self.0.fd, place, flags, mode) {
            Ok(fd) => (fd, None),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
                let name = temporary_name(inside);
                let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
                let fd = rustix::fs::openat(&self.0.fd, name.as_str(), flags, mode);
                (fd.map_err(|error| self.error("creating", &name, error))?, Some(name))
            }
            Err(error) => return Err(self.error("creating a file in", inside, error)),
        };
        Ok(Staged { file: Arc::new(File::from(fd)), dir: self.clone(), inside: inside.to_owned(), temporary })
    }

    /// Writes a small file and puts it in place, durable.
    pub(super) fn write_file(&self, name: &str, bytes: &[u8]) -> Result<(), ImageError> {
        let staged = self.stage(name.rsplit_once('/').map_or("", |(parent, _)| parent))?;
        (&*staged.file).write_all(bytes).map_err(|error| self.error("writing", name, error))?;
        staged.persist(name)
    }

    /// Waits for every other writer of this directory; the lock ends with the guard.
    pub(super) fn lock(&self) -> Result<OwnedFd, ImageError> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        // A descriptor of its own: locks on a shared one would be shared too.
        let fd = rustix::fs::openat(&self.0.fd, ".", flags, Mode::empty());
        let fd = fd.map_err(|error| self.error("opening", "", error))?;
        rustix::fs::flock(&fd, FlockOperation::LockExclusive).map_err(|error| self.error("locking", "", error))?;
        Ok(fd)
    }

    /// Makes the names in the directory `inside` (`""` for this one) durable.
    pub(super) fn sync(&self, inside: &str) -> Result<(), ImageError> {
        let place = if inside.is_empty() { "." } else { inside };
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let synced = rustix::fs::openat(&self.0.fd, place, flags, Mode::empty()).and_then(rustix::fs::fsync);
        synced.map_err(|error| self.error("syncing", inside, error))
    }

    pub(super) fn error(&self, action: &'static str, name: &str, source: impl Into<io::Error>) -> ImageError {
        let path = if name.is_empty() { self.0.path.clone() } else { self.0.path.join(name) };
        io_error(action, &path, source)
    }
}

/// A file without a final name. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Staged {
    file: Arc<File>,
    dir: Dir,
    inside: String,
    /// The name it has where the file system cannot do without.
    temporary: Option<String>,
}

impl Staged {
    pub(super) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Where the file is, for messages.
    pub(super) fn place(&self) -> PathBuf {
        self.dir.0.path.join(&self.inside)
    }

    /// Makes the content durable and gives the file its name, in place of another of that name. The name itself is
    /// durable after [`Dir::sync`].
    pub(super) fn persist(mut self, name: &str) -> Result<(), ImageError> {
        self.file.sync_all().map_err(|error| self.dir.error("syncing", name, error))?;
        let temporary = match self.temporary.take() {
            Some(temporary) => temporary,
            None => self.link()?,
        };
        let fd = &self.dir.0.fd;
        rustix::fs::renameat(fd, temporary.as_str(), fd, name).map_err(|error| {
            self.temporary = Some(temporary);
            self.dir.error("naming", name, error)
        })
    }

    /// Gives the nameless file a temporary name, since only a rename replaces another file.
    fn link(&self) -> Result<String, ImageError> {
        use std::os::fd::AsRawFd as _;
        let name = temporary_name(&self.inside);
        let by_path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        let fd = &self.dir.0.fd;
        let linked = rustix::fs::linkat(rustix::fs::CWD, by_path, fd, name.as_str(), AtFlags::SYMLINK_FOLLOW)
            // Without /proc the direct way is left, which older kernels allow to root alone.
            .or_else(|_| rustix::fs::linkat(&*self.file, "", fd, name.as_str(), AtFlags::EMPTY_PATH));
        linked.map(|()| name.clone()).map_err(|error| self.dir.error("naming", &name, error))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(name) = &self.temporary {
            // The file is ours alone; if it cannot be removed there is nobody left to tell.
            let _ = rustix::fs::unlinkat(&self.dir.0.fd, name.as_str(), AtFlags::empty());
        }
    }
}

/// A name no other writer takes: by process, and counted inside of it.
fn temporary_name(inside: &str) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let slash = if inside.is_empty() { "" } else { "/" };
    format!("{inside}{slash}.tmp-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

pub(super) fn io_error(action: &'static str, path: &Path, source: impl Into<io::Error>) -> ImageError {
    ImageError::Io { action, path: path.to_owned(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside() {
        let temporary = tempfile::tempdir().unwrap();
        std::fs::write(temporary.path().join("secret"), "s").unwrap();
        let inner = temporary.path().join("inner");
        let dir = Dir::create(&inner).unwrap();
        std::os::unix::fs::symlink("../secret", inner.join("link")).unwrap();
        std::fs::create_dir(inner.join("sub")).unwrap();
        assert!(dir.open_file("link").is_err());
        assert!(dir.open_file("../secret").is_err());
        assert!(dir.open_file("sub").is_err());
        assert!(dir.open_file("absent").unwrap().is_none());
    }

    #[test]
    fn staged_files_replace_or_vanish() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::open(temporary.path()).unwrap();
        drop(dir.stage("").unwrap());
        assert_eq!(dir.names().unwrap().len(), 0);
        dir.write_file("a", b"1").unwrap();
        dir.write_file("a", b"22").unwrap();
        assert_eq!(dir.read_small("a", 2).unwrap().unwrap(), b"22");
        assert!(dir.read_small("a", 1).is_err());
        assert_eq!(dir.names().unwrap(), ["a"]);
    }
}
