//! Deleting the cached summaries of remotes that are not configured any more.

use crate::error::RepoError;
use crate::repo::Repo;

/// Cleans `tmp/cache/summaries`. Losing one of them costs a download, so remotes configured outside of the repository's own
/// `config` need not be known here.
pub fn clean(repo: &Repo) -> Result<(), RepoError> {
    let Some(tmp) = repo.dir().try_open_dir("tmp")? else { return Ok(()) };
    let Some(cache) = tmp.try_open_dir("cache")? else { return Ok(()) };
    let Some(summaries) = cache.try_open_dir("summaries")? else { return Ok(()) };
    let groups = repo.config().file.groups();
    for name in summaries.names()? {
        let remote = name.strip_suffix(".sig").unwrap_or(&name);
        if !groups.contains(&format!("remote \"{remote}\"").as_str()) {
            summaries.remove_file(&name)?;
        }
    }
    Ok(())
}
