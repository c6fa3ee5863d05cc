//! What a file object is, found out with as few system calls as its repository's mode allows.

use ostree_core::dirmeta::decode_ostreemeta;
use ostree_core::{FileId, ReadObject, mode};
use rustix::fs::AtFlags;
use rustix::io::Errno;

use crate::error::RepoError;
use crate::fs::xattr;
use crate::mode::RepoMode;
use crate::repo::Repo;

/// A file object as far as the choice between linking and copying needs it.
#[derive(Debug, Clone, Copy)]
pub struct Probe {
    /// The mode in the object's header.
    pub mode: u32,
    /// Whether it is a regular file without content.
    pub empty: bool,
}

impl Probe {
    /// Whether it is a symlink.
    pub fn is_symlink(&self) -> bool {
        mode::is_symlink(self.mode)
    }

    /// Whether it is a regular file that its owner may not read.
    pub fn is_unreadable(&self) -> bool {
        !self.is_symlink() && self.mode & 0o400 == 0
    }
}

/// Looks at the object in `repo` itself, not in its parent; `path` is its path under `objects`.
pub fn probe(repo: &Repo, id: &FileId, path: &str) -> Result<Option<Probe>, RepoError> {
    let objects = repo.objects();
    if !matches!(repo.mode(), RepoMode::Bare | RepoMode::BareUser | RepoMode::BareUserOnly) {
        return probe_by_reading(repo, id, path);
    }
    let stat = match rustix::fs::statat(objects, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(None),
        Err(e) => return Err(objects.fail("querying", path, e)),
    };
    let mode = match repo.mode() {
        RepoMode::BareUser => ostreemeta_mode(repo, path)?,
        _ => stat.st_mode,
    };
    Ok(Some(Probe { mode, empty: mode::is_regular(mode) && stat.st_size == 0 }))
}

fn ostreemeta_mode(repo: &Repo, path: &str) -> Result<u32, RepoError> {
    let objects = repo.objects();
    let value = xattr::get_path(&objects.path().join(path), xattr::OSTREEMETA)
        .and_then(|value| value.ok_or(Errno::NODATA))
        .map_err(|e| objects.fail("reading xattr user.ostreemeta of", path, e))?;
    let (_, mode, _) = decode_ostreemeta(&value)
        .map_err(|e| RepoError::from(e).context(format!("object file {}", objects.path().join(path).display())))?;
    Ok(mode)
}

fn probe_by_reading(repo: &Repo, id: &FileId, path: &str) -> Result<Option<Probe>, RepoError> {
    if !repo.objects().exists(path)? {
        return Ok(None);
    }
    let file = repo.read_file(id)?;
    Ok(file.map(|file| Probe { mode: file.header.mode, empty: !file.header.is_symlink() && file.size == 0 }))
}
