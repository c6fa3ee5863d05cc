//! The files of an SELinux policy in a directory.

use std::fs::{File, metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ostree_selinux::PolicyFiles;
use ostree_selinux::limits::MAX_FILE_SIZE;

/// A directory that may have a policy.
pub struct DirPolicy(PathBuf);

impl DirPolicy {
    /// The directory at `path`, which must be there. Symlinks in it lead where they lead on this system, as in the reference
    /// program.
    pub fn open(path: &Path) -> io::Result<Self> {
        std::fs::read_dir(path)?;
        Ok(Self(path.to_owned()))
    }
}

impl PolicyFiles for DirPolicy {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        let Some(file) = present(File::open(self.0.join(path)))? else { return Ok(None) };
        file.take(MAX_FILE_SIZE as u64 + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        Ok(present(metadata(self.0.join(path)))?.is_some())
    }
}

fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
