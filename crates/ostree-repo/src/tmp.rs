//! Cleaning `tmp/` of what interrupted processes left behind.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::AtFlags;

use crate::error::RepoError;
use crate::fs::Dir;
use crate::repo::Repo;
use crate::stage;

/// Removes staging directories of earlier boots that nobody holds, and everything else that is older than
/// `core.tmp-expiry-secs`. Staging directories of this boot stay, because the next transaction goes on with them, unless
/// `drop_current` is set.
pub fn clean(repo: &Repo, drop_current: bool) -> Result<(), RepoError> {
    let Some(tmp) = repo.dir().try_open_dir("tmp")? else { return Ok(()) };
    let current = format!("{}{}-", stage::PREFIX, stage::boot_id());
    for name in tmp.names()? {
        if name == "cache" || name.ends_with("-lock") {
            continue;
        }
        if name.starts_with(stage::PREFIX) {
            let keep = name.starts_with(&current) && !drop_current;
            if !keep && let Some(_lock) = stage::abandoned(&tmp, &name)? {
                tmp.remove_all(&name)?;
                tmp.remove_file(&format!("{name}-lock"))?;
            }
        } else if expired(&tmp, &name, repo.config().tmp_expiry_secs) {
            tmp.remove_all(&name)?;
        }
    }
    Ok(())
}

/// How many bytes of disk the staging directories take that interrupted transactions left behind: the next transaction goes
/// on with them or removes them.
pub fn abandoned_bytes(repo: &Repo) -> Result<u64, RepoError> {
    let Some(tmp) = repo.dir().try_open_dir("tmp")? else { return Ok(0) };
    let names = tmp.names()?;
    let mut bytes = 0;
    for name in names.iter().filter(|name| name.starts_with(stage::PREFIX) && !name.ends_with("-lock")) {
        // Without a lock file nobody has it, and none is made by asking.
        let lock = format!("{name}-lock");
        if !names.contains(&lock) || stage::abandoned(&tmp, name)?.is_some() {
            bytes += disk_of(&tmp.path_through(name));
        }
    }
    Ok(bytes)
}

/// The disk space of the files below `path`, as far as they can be seen. Staging directories are two levels deep.
fn disk_of(path: &Path) -> u64 {
    let entries = path.read_dir().into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(stat) if stat.is_dir() => disk_of(&entry.path()),
        Ok(stat) => stat.blocks() * 512,
        Err(_) => 0,
    });
    sizes.sum()
}

/// Whether `name` was last changed longer ago than `seconds`. What cannot be told is kept.
fn expired(tmp: &Dir, name: &str, seconds: u64) -> bool {
    let Ok(stat) = rustix::fs::statat(tmp, name, AtFlags::SYMLINK_NOFOLLOW) else { return false };
    let Ok(mtime) = u64::try_from(stat.st_mtime) else { return false };
    let changed = UNIX_EPOCH + Duration::from_secs(mtime);
    SystemTime::now().duration_since(changed).is_ok_and(|age| age.as_secs() > seconds)
}
