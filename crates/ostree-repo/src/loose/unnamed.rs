//! Files that have no name until they are whole.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use crate::fs::Dir;

/// Distinguishes the temporary names of this process.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// A name that no other file of this process has.
pub fn temporary_name() -> String {
    static PROCESS: LazyLock<u32> = LazyLock::new(std::process::id);
    format!("tmpobj.{}.{}", *PROCESS, SERIAL.fetch_add(1, Ordering::Relaxed))
}

/// How a file that was created without a name gets one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkWay {
    /// By its descriptor, which before Linux 6.10 takes a capability.
    Descriptor,
    /// By its descriptor's path in `/proc`.
    Proc,
}

impl LinkWay {
    /// The way that works in `dir`, if one does.
    pub fn find(dir: &Dir) -> Option<Self> {
        let file = unnamed(dir).ok()?;
        let name = temporary_name();
        let way = [Self::Descriptor, Self::Proc].into_iter().find(|way| way.link(&file, dir, &name).is_ok())?;
        // A name that stays is one of those that the cleanup of `tmp` finds.
        let _ = dir.remove_file(&name);
        Some(way)
    }

    /// Gives `file` a name in `dir`.
    pub fn link(self, file: &File, dir: &Dir, name: &str) -> Result<(), Errno> {
        match self {
            Self::Descriptor => rustix::fs::linkat(file, "", dir, name, AtFlags::EMPTY_PATH),
            Self::Proc => {
                let path = format!("/proc/self/fd/{}", file.as_raw_fd());
                rustix::fs::linkat(CWD, path, dir, name, AtFlags::SYMLINK_FOLLOW)
            }
        }
    }
}

/// A new file in `dir` that has no name.
pub fn unnamed(dir: &Dir) -> Result<File, Errno> {
    let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
    rustix::fs::openat(dir, ".", flags, Mode::from_raw_mode(0o644)).map(File::from)
}
