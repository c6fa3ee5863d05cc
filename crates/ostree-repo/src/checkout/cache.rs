//! The cache of decompressed files that user checkouts from an archive hardlink to.

use ostree_core::{FileId, ReadObject, StoreError};
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;

use crate::checkout::job::Job;
use crate::checkout::link::{Attempt, link_from};
use crate::checkout::options::{CheckoutOptions, LinkPolicy};
use crate::checkout::owner::file_mode;
use crate::checkout::place::Place;
use crate::error::RepoError;
use crate::fs::{Dir, reflink};
use crate::layout::loose_path;
use crate::mode::RepoMode;
use crate::repo::Repo;

/// The directory in the repository. Its files are `xx/<62 digits>.file`, as in a bare repository.
const NAME: &str = "uncompressed-objects-cache";

/// The cache, if this checkout is to use it. A repository that cannot be written has none.
pub fn open(repo: &Repo, options: &CheckoutOptions) -> Option<Dir> {
    let wanted = repo.mode() == RepoMode::Archive
        && options.user_mode
        && options.uncompressed_cache
        && options.link == LinkPolicy::Any
        && repo.config().uncompressed_cache;
    if !wanted || repo.check_writable().is_err() {
        return None;
    }
    // Only a saving: without it everything is copied.
    repo.dir().ensure_dir(NAME, 0o777).ok()?;
    repo.dir().open_dir(NAME).ok()
}

/// Links the object's file in the cache to `place`, after putting it there if need be. Symlinks, empty files and files
/// that their owner may not read are never cached.
pub fn link_cached(job: &Job<'_>, place: &Place<'_>, id: &FileId) -> Result<Attempt, RepoError> {
    let Some(cache) = &job.cache else { return Ok(Attempt::CopyInstead) };
    let path = loose_path(&id.object(), RepoMode::Bare);
    // What is in the cache already needs no look at the object.
    if !cache.exists(&path)? && !fill(job, cache, &path, id)? {
        return Ok(Attempt::CopyInstead);
    }
    link_from(job, place, id, (cache, &path))
}

/// Decompresses the object into the cache; `false` if it does not belong there.
fn fill(job: &Job<'_>, cache: &Dir, path: &str, id: &FileId) -> Result<bool, RepoError> {
    let file = job.repo.read_file(id)?.ok_or(StoreError::Missing { name: id.object() })?;
    if file.header.is_symlink() || file.size == 0 || file.header.mode & 0o400 == 0 {
        return Ok(false);
    }
    let Some(mut content) = file.content else { return Ok(false) };
    // Where leftovers of a process that was killed are cleaned up.
    job.repo.dir().ensure_dir("tmp", 0o775)?;
    let tmp = job.repo.dir().open_dir("tmp")?;
    let temporary = job.temporary_name();
    let out = tmp.create_file(&temporary, 0o600)?;
    let permissions = Mode::from_raw_mode(file_mode(file.header.mode, true));
    let linked = reflink::copy_stream(&mut *content, &out, file.size)
        .map_err(|e| RepoError::io("writing", tmp.path().join(&temporary), e))
        .and_then(|()| {
            rustix::fs::fchmod(&out, permissions).map_err(|e| tmp.fail("setting the mode of", &temporary, e))
        })
        .and_then(|()| publish(&tmp, &temporary, cache, path));
    let removed = tmp.remove_file(&temporary);
    removed.and(linked)
}

/// Gives the finished file its name; `false` where the file system knows no hardlinks. A file that another checkout put
/// there meanwhile is as good.
fn publish(tmp: &Dir, temporary: &str, cache: &Dir, path: &str) -> Result<bool, RepoError> {
    cache.ensure_dir(path.get(..2).unwrap_or_default(), 0o777)?;
    match rustix::fs::linkat(tmp, temporary, cache, path, AtFlags::empty()) {
        Ok(()) | Err(Errno::EXIST) => Ok(true),
        Err(Errno::PERM | Errno::OPNOTSUPP) => Ok(false),
        Err(e) => Err(cache.fail("linking", path, e)),
    }
}
