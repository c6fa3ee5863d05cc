//! Cleaning `tmp/` of what interrupted processes left behind.

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

/// Whether `name` was last changed longer ago than `seconds`. What cannot be told is kept.
fn expired(tmp: &Dir, name: &str, seconds: u64) -> bool {
    let Ok(stat) = rustix::fs::statat(tmp, name, AtFlags::SYMLINK_NOFOLLOW) else { return false };
    let Ok(mtime) = u64::try_from(stat.st_mtime) else { return false };
    let changed = UNIX_EPOCH + Duration::from_secs(mtime);
    SystemTime::now().duration_since(changed).is_ok_and(|age| age.as_secs() > seconds)
}
