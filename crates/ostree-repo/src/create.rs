//! Making a new repository.

use std::path::Path;

use rustix::fs::Mode;
use rustix::io::Errno;

use crate::error::RepoError;
use crate::fs::{Dir, small_file};
use crate::mode::RepoMode;
use crate::repo::Repo;

/// The subdirectories of a repository. `objects` comes last, because its presence says that the rest is there.
const DIRECTORIES: [&str; 8] =
    ["tmp", "extensions", "state", "refs", "refs/heads", "refs/mirrors", "refs/remotes", "objects"];

/// Makes a repository at `path`, whose parent directory must exist. One that is there already is opened as it is, whatever
/// its mode and collection id, and nothing in it changes.
pub fn create(path: &Path, mode: RepoMode, collection_id: Option<&str>) -> Result<Repo, RepoError> {
    if let Some(id) = collection_id {
        check_collection_id(id)?;
    }
    match rustix::fs::mkdir(path, Mode::from_raw_mode(0o775)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(e) => return Err(RepoError::io("creating", path, e)),
    }
    let dir = Dir::open(path)?;
    if dir.exists("objects")? {
        return Repo::open(path);
    }
    if mode == RepoMode::BareUser {
        probe_user_xattrs(&dir)?;
    }
    if !dir.exists("config")? {
        let collection = collection_id.map(|id| format!("collection-id={id}\n")).unwrap_or_default();
        let text = format!("[core]\nrepo_version=1\nmode={}\n{collection}", mode.config_name());
        small_file::replace(&dir, "config", text.as_bytes(), true)?;
    }
    for name in DIRECTORIES {
        dir.ensure_dir(name, 0o775)?;
    }
    Repo::open(path)
}

/// Refuses a collection id that is not at least two elements of letters, digits and `_`, joined by dots, none starting
/// with a digit, 255 bytes at most.
pub fn check_collection_id(id: &str) -> Result<(), RepoError> {
    let element = |text: &str| {
        text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if id.len() <= 255 && id.contains('.') && id.split('.').all(element) {
        return Ok(());
    }
    Err(RepoError::Request(format!("Invalid collection ID {id}")))
}

/// `bare-user` keeps the real metadata in an xattr, so a file system without them is refused early.
fn probe_user_xattrs(dir: &Dir) -> Result<(), RepoError> {
    let name = format!(".probe.{}.tmp", std::process::id());
    let file = dir.create_file(&name, 0o600)?;
    let result = rustix::fs::fsetxattr(&file, "user.test", b"novalue\0", rustix::fs::XattrFlags::empty());
    dir.remove_file(&name)?;
    result.map_err(|e| dir.fail("setting a user xattr, which mode bare-user needs, in", "", e))
}
