//! The repository lock, shared with real `ostree` processes: an open-file-description lock on `.lock`.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::error::RepoError;
use crate::repo::Repo;

/// How often a busy lock is tried again. libostree waits a second; a shorter wait costs nothing.
const RETRY_EVERY: Duration = Duration::from_millis(50);

/// Who may hold the lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// Writers of objects and refs: any number.
    Shared,
    /// Whoever deletes objects: alone.
    Exclusive,
}

impl LockKind {
    fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Exclusive => "exclusive",
        }
    }
}

/// A held lock. Dropping it releases it, as does the end of the process.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct LockGuard {
    /// `None` where the repository is not locked at all: read-only, or `core.locking=false`.
    _file: Option<File>,
}

impl Repo {
    /// Takes the repository's lock, waiting as long as `core.lock-timeout-secs` says. A repository that this process cannot
    /// write, or whose configuration wants no locks, is not locked.
    pub fn lock(&self, kind: LockKind) -> Result<LockGuard, RepoError> {
        let seconds = self.config().lock_timeout_secs;
        self.lock_within(kind, seconds.map(Duration::from_secs))
    }

    /// As [`Repo::lock`], but waits for `patience` at most, without end where `None`.
    pub fn lock_within(&self, kind: LockKind, patience: Option<Duration>) -> Result<LockGuard, RepoError> {
        if !self.config().locking || self.check_writable().is_err() {
            return Ok(LockGuard { _file: None });
        }
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CREATE | rustix::fs::OFlags::CLOEXEC;
        let fd: OwnedFd = rustix::fs::openat(self.dir(), ".lock", flags, rustix::fs::Mode::from_raw_mode(0o660))
            .map_err(|e| self.dir().fail("opening", ".lock", e))?;
        // A deadline beyond what the clock can tell is none.
        let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
        while let Err(errno) = try_lock(&fd, kind) {
            let busy = matches!(errno, nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES);
            let waiting = deadline.is_none_or(|deadline| Instant::now() < deadline);
            if !busy || !waiting {
                return Err(RepoError::Lock { kind: kind.name(), source: errno.into() });
            }
            std::thread::sleep(RETRY_EVERY);
        }
        Ok(LockGuard { _file: Some(fd.into()) })
    }
}

/// Tries to take a lock on the whole file at once. Open-file-description locks, unlike the older record locks, belong to
/// this descriptor, so two handles in one process exclude each other too.
pub(crate) fn try_lock(fd: &OwnedFd, kind: LockKind) -> nix::Result<()> {
    let request = libc::flock {
        l_type: match kind {
            LockKind::Shared => libc::F_RDLCK as libc::c_short,
            LockKind::Exclusive => libc::F_WRLCK as libc::c_short,
        },
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(fd, FcntlArg::F_OFD_SETLK(&request)).map(|_| ())
}
