//! Small files read whole and replaced atomically.

use std::io::{Read, Write};

use rustix::io::Errno;

use crate::error::RepoError;
use crate::fs::dir::Dir;

/// Reads a file of at most `limit` bytes, if it is there. A larger one is an error.
pub fn read(dir: &Dir, name: &str, limit: u64) -> Result<Option<Vec<u8>>, RepoError> {
    // Refs may be symlinks (aliases), so this one open follows them; the kernel keeps them inside of nothing, but their
    // targets were written by whoever may write the repository.
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
    let file = match rustix::fs::openat(dir, name, flags, rustix::fs::Mode::empty()) {
        Ok(fd) => std::fs::File::from(fd),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(e) => return Err(dir.fail("opening", name, e)),
    };
    let mut bytes = Vec::new();
    match file.take(limit + 1).read_to_end(&mut bytes) {
        Ok(read) if read as u64 > limit => Err(dir.fail("reading", name, Errno::FBIG)),
        Ok(_) => Ok(Some(bytes)),
        Err(e) if e.raw_os_error() == Some(Errno::ISDIR.raw_os_error()) => Ok(None),
        Err(e) => Err(RepoError::io("reading", dir.path().join(name), e)),
    }
}

/// Puts `bytes` in place of whatever `name` was, all or nothing. With `sync` they are durable before they are named.
pub fn replace(dir: &Dir, name: &str, bytes: &[u8], sync: bool) -> Result<(), RepoError> {
    let (new, file) = Replacement::write(dir, name, bytes)?;
    if sync {
        rustix::fs::fdatasync(&file).map_err(|e| dir.fail("syncing", name, e))?;
    }
    new.place()
}

/// Writes `bytes` beside whatever `name` is, to be put in its place later: the caller makes many of them durable at once.
pub fn beside<'a>(dir: &'a Dir, name: &str, bytes: &[u8]) -> Result<Replacement<'a>, RepoError> {
    Ok(Replacement::write(dir, name, bytes)?.0)
}

fn temporary(name: &str) -> String {
    match name.rsplit_once('/') {
        Some((parent, last)) => format!("{parent}/.{last}.{}.tmp", std::process::id()),
        None => format!(".{name}.{}.tmp", std::process::id()),
    }
}

/// A file that is to take the place of another. Dropping it leaves nothing behind.
pub struct Replacement<'a> {
    dir: &'a Dir,
    temporary: String,
    name: String,
    placed: bool,
}

impl<'a> Replacement<'a> {
    fn write(dir: &'a Dir, name: &str, bytes: &[u8]) -> Result<(Self, std::fs::File), RepoError> {
        let new = Self { dir, temporary: temporary(name), name: name.to_owned(), placed: false };
        dir.remove_file(&new.temporary)?;
        let mut file = dir.create_file(&new.temporary, 0o644)?;
        file.write_all(bytes).map_err(|e| RepoError::io("writing", dir.path().join(name), e))?;
        Ok((new, file))
    }

    /// Puts it in its place.
    pub fn place(mut self) -> Result<(), RepoError> {
        let dir = self.dir;
        rustix::fs::renameat(dir, &self.temporary, dir, &self.name)
            .map_err(|e| dir.fail("replacing", &self.name, e))?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Replacement<'_> {
    fn drop(&mut self) {
        if !self.placed {
            // The error of the write is the one to report.
            let _ = self.dir.remove_file(&self.temporary);
        }
    }
}
