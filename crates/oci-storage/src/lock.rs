//! The storage's locks, shared with the programs that write it: record locks on `images.lock` and `layers.lock`.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::error::StorageError;
use crate::open;

/// How often a busy lock is tried again.
const RETRY_EVERY: Duration = Duration::from_millis(50);

/// A held lock. Dropping it releases it.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub(crate) struct Guard {
    /// `None` where nothing can be locked: a read-only storage may have no lock files.
    _file: Option<File>,
}

/// Takes the lock for reading, together with any number of others. Whoever writes the storage holds it alone. A lock of this
/// descriptor's own is taken: two readers in one process do not release each other's. Whoever holds it alone is waited for,
/// but not longer than `wait`.
pub(crate) fn shared(path: &Path, wait: Duration) -> Result<Guard, StorageError> {
    let failed = |source| StorageError::Io { action: "locking", path: path.to_owned(), source };
    let file = match open::regular(path) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(Guard { _file: None }),
        Err(StorageError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
            return Ok(Guard { _file: None });
        }
        Err(error) => return Err(error),
    };
    let begun = Instant::now();
    loop {
        match try_lock(&file, libc::F_RDLCK) {
            Ok(()) => return Ok(Guard { _file: Some(file) }),
            Err(Errno::EAGAIN | Errno::EACCES) if begun.elapsed() < wait => std::thread::sleep(RETRY_EVERY),
            Err(Errno::EAGAIN | Errno::EACCES) => {
                return Err(StorageError::Locked { path: path.to_owned(), waited: wait });
            }
            // Some network file systems have no locks; the lists are replaced as a whole all the same.
            Err(Errno::ENOLCK | Errno::EOPNOTSUPP | Errno::ENOSYS) => return Ok(Guard { _file: None }),
            Err(errno) => return Err(failed(errno.into())),
        }
    }
}

/// Takes a lock of this kind (`F_RDLCK` or `F_WRLCK`) on all of a file, if nobody has one that is against it.
fn try_lock(file: &File, kind: libc::c_int) -> nix::Result<()> {
    let request = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&request)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_share_and_absent_locks_are_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        let shared = |path: &Path| shared(path, Duration::ZERO);
        assert!(shared(&path).unwrap()._file.is_none());
        assert!(!path.exists());
        std::fs::write(&path, "").unwrap();
        let (first, second) = (shared(&path).unwrap(), shared(&path).unwrap());
        assert!(first._file.is_some() && second._file.is_some());
    }

    #[test]
    fn nobody_is_waited_for_without_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        let file = File::create(&path).unwrap();
        try_lock(&file, libc::F_WRLCK).unwrap();
        let begun = Instant::now();
        let error = shared(&path, Duration::from_millis(200)).unwrap_err();
        assert!(begun.elapsed() >= Duration::from_millis(200));
        assert_eq!(error.to_string(), format!("{} is still locked by another program after 0.2 s", path.display()));
        let waiting = std::thread::spawn(move || shared(&path, Duration::from_secs(60)).map(|_| ()));
        drop(file);
        waiting.join().unwrap().unwrap();
    }
}
