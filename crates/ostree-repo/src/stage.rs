//! The staging directory of a transaction: `tmp/staging-BOOTID-XXXXXX` and its lock file beside it.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use ostree_core::ObjectKind;
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::error::RepoError;
use crate::fs::Dir;
use crate::layout;
use crate::lock::{LockKind, try_lock};

/// What the names of all staging directories start with.
pub const PREFIX: &str = "staging-";

/// How many directories temporary files are spread over, so that threads do not wait for each other's directory lock.
const TEMPORARIES: usize = 8;

/// Objects written there are not seen by anybody else until [`Stage::publish`] moves them into `objects/`.
#[derive(Debug)]
pub struct Stage {
    dir: Dir,
    temporaries: Vec<Dir>,
    name: String,
    /// Held for as long as the directory is ours.
    _lock: OwnedFd,
}

impl AsRef<Dir> for Stage {
    fn as_ref(&self) -> &Dir {
        &self.dir
    }
}

impl Stage {
    /// Takes over a staging directory that an interrupted transaction of this boot left behind, or makes one. What is in
    /// one of this boot is whole, because an object gets its name after its last byte; one of an earlier boot may hold
    /// files whose content never reached the disk, and is not used again.
    pub fn acquire(tmp: &Dir) -> Result<Self, RepoError> {
        let prefix = format!("{PREFIX}{}-", boot_id());
        for name in tmp.names()? {
            if name.starts_with(&prefix)
                && !name.ends_with("-lock")
                && let Some(lock) = lock_file(tmp, &name)?
            {
                if let Some(dir) = tmp.try_open_dir(&name)? {
                    return Self::open(dir, name, lock);
                }
                tmp.remove_file(&format!("{name}-lock"))?;
            }
        }
        for attempt in 0..1000u32 {
            let name = format!("{prefix}{}", unique_suffix(attempt));
            // The lock first: a directory without a locked file would be taken over by others at once.
            let Some(lock) = lock_file(tmp, &name)? else { continue };
            match rustix::fs::mkdirat(tmp, &name, Mode::from_raw_mode(0o775)) {
                Ok(()) => return Self::open(tmp.open_dir(&name)?, name, lock),
                Err(Errno::EXIST) => {}
                Err(e) => return Err(tmp.fail("creating directory", &name, e)),
            }
        }
        Err(tmp.fail("creating a staging directory in", "", Errno::EXIST))
    }

    fn open(dir: Dir, name: String, lock: OwnedFd) -> Result<Self, RepoError> {
        let temporaries = (0..TEMPORARIES).map(|n| {
            // Not two characters long, so that nobody takes it for a directory of objects.
            let name = format!("tmp{n}");
            dir.ensure_dir(&name, 0o700)?;
            dir.open_dir(&name)
        });
        let temporaries = temporaries.collect::<Result<_, _>>()?;
        Ok(Self { dir, temporaries, name, _lock: lock })
    }

    /// A directory for the temporary files of the calling thread.
    pub fn temporary(&self) -> &Dir {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed);
        }
        let mine = MINE.with(|mine| *mine);
        self.temporaries.get(mine % TEMPORARIES).unwrap_or(&self.dir)
    }

    /// The directory, laid out as `objects/`.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Moves these objects into `objects`, as [`Stage::publish`] does with all of them. What is not here any more is passed
    /// over.
    pub fn publish_some(&self, objects: &Dir, paths: &[String]) -> Result<(), RepoError> {
        let split = paths.iter().filter_map(|path| path.split_once('/'));
        let (last, first): (Vec<_>, Vec<_>) = split.partition(|(prefix, file)| is_commit(prefix, file));
        for (prefix, file) in first.into_iter().chain(last) {
            if let Some(from) = self.dir.try_open_dir(prefix)?
                && from.exists(file)?
            {
                objects.ensure_dir(prefix, 0o777)?;
                move_object(&from, &objects.open_dir(prefix)?, prefix, file)?;
            }
        }
        Ok(())
    }

    /// Moves every object into `objects`; one that is there already stays, except for detached metadata. Commits come last,
    /// so that a kill in between leaves none whose objects are missing. Then the staging directory is gone.
    pub fn publish(self, tmp: &Dir, objects: &Dir) -> Result<(), RepoError> {
        let mut commits = Vec::new();
        for prefix in self.dir.names()? {
            if prefix.len() == 2 && prefix.bytes().all(|b| b.is_ascii_hexdigit()) {
                commits.extend(self.publish_prefix(objects, &prefix)?);
            }
        }
        for (prefix, file) in commits {
            move_object(&self.dir.open_dir(&prefix)?, &objects.open_dir(&prefix)?, &prefix, &file)?;
        }
        tmp.remove_all(&self.name)?;
        tmp.remove_file(&format!("{}-lock", self.name)).map(|_| ())
    }

    /// Moves the objects of one directory, and gives those that must come later.
    fn publish_prefix(&self, objects: &Dir, prefix: &str) -> Result<Vec<(String, String)>, RepoError> {
        let from = self.dir.open_dir(prefix)?;
        let (later, now): (Vec<_>, Vec<_>) = from.names()?.into_iter().partition(|file| is_commit(prefix, file));
        if later.is_empty() {
            // In a new repository most of these directories are not there yet: then one rename does it.
            match rustix::fs::renameat_with(&self.dir, prefix, objects, prefix, RenameFlags::NOREPLACE) {
                Ok(()) => return Ok(Vec::new()),
                Err(Errno::EXIST | Errno::INVAL | Errno::NOSYS) => {}
                Err(e) => return Err(objects.fail("moving objects into", prefix, e)),
            }
        }
        objects.ensure_dir(prefix, 0o777)?;
        let to = objects.open_dir(prefix)?;
        now.iter().try_for_each(|file| move_object(&from, &to, prefix, file))?;
        Ok(later.into_iter().map(|file| (prefix.to_owned(), file)).collect())
    }
}

/// Whether the file is a commit, which stands for everything it names.
fn is_commit(prefix: &str, file: &str) -> bool {
    layout::parse_loose(prefix, file).is_some_and(|name| name.kind == ObjectKind::Commit)
}

fn move_object(from: &Dir, to: &Dir, prefix: &str, file: &str) -> Result<(), RepoError> {
    let replaceable = layout::parse_loose(prefix, file).is_some_and(|name| name.kind == ObjectKind::CommitMeta);
    let flags = if replaceable { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
    match rustix::fs::renameat_with(from, file, to, file, flags) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => from.remove_file(file).map(|_| ()),
        Err(e) => Err(to.fail("moving object", file, e)),
    }
}

/// Locks the file beside the staging directory `name`; `None` if somebody else holds it.
fn lock_file(tmp: &Dir, name: &str) -> Result<Option<OwnedFd>, RepoError> {
    let lock_name = format!("{name}-lock");
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(tmp, &lock_name, flags, Mode::from_raw_mode(0o660))
        .map_err(|e| tmp.fail("opening", &lock_name, e))?;
    match try_lock(&fd, LockKind::Exclusive) {
        Ok(()) => {}
        Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => return Ok(None),
        Err(e) => return Err(RepoError::io("locking", tmp.path().join(&lock_name), e)),
    }
    // Between open and lock the former holder may have removed the file; then the lock is on nothing.
    let ours = rustix::fs::fstat(&fd).map_err(|e| tmp.fail("querying", &lock_name, e))?;
    match rustix::fs::statat(tmp, &lock_name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(named) if (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino) => Ok(Some(fd)),
        _ => Ok(None),
    }
}

/// The staging directories of this boot that nobody holds. No lock file is made by asking.
pub fn leftovers(tmp: &Dir) -> Result<Vec<Dir>, RepoError> {
    let prefix = format!("{PREFIX}{}-", boot_id());
    let names = tmp.names()?;
    let mut found = Vec::new();
    for name in names.iter().filter(|name| name.starts_with(&prefix) && !name.ends_with("-lock")) {
        if (!names.contains(&format!("{name}-lock")) || abandoned(tmp, name)?.is_some())
            && let Some(dir) = tmp.try_open_dir(name)?
        {
            found.push(dir);
        }
    }
    Ok(found)
}

/// Whether nobody holds the lock of the staging directory `name`; the lock is then held by what is returned.
pub fn abandoned(tmp: &Dir, name: &str) -> Result<Option<OwnedFd>, RepoError> {
    lock_file(tmp, name)
}

/// Identifies this boot of the machine, as libostree does.
pub fn boot_id() -> String {
    if let Ok(id) = std::env::var("OSTREE_BOOTID") {
        return id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    }
    match std::fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        Ok(id) => id.trim_end().to_owned(),
        // Without /proc nothing tells boots apart, so each process stands for its own.
        Err(_) => format!("unknown-{}", std::process::id()),
    }
}

/// Six characters that are unlikely to be taken.
fn unique_suffix(attempt: u32) -> String {
    const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
    let mut seed =
        nanos ^ (u64::from(std::process::id()) << 32) ^ u64::from(attempt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..6)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            char::from(*ALPHABET.get((seed % 62) as usize).unwrap_or(&b'x'))
        })
        .collect()
}
