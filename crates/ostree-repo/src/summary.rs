//! The summary of a repository: made of its refs, kept in `summary`, with signatures in `summary.sig`.

use std::collections::BTreeMap;

use ostree_core::summary::{self, Summary, SummaryRef};
use ostree_core::{Commit, CommitId, Metadata, RawVariant, ReadObject, RefName, StoreError, metadata};

use crate::error::RepoError;
use crate::fs::small_file;
use crate::limits::MAX_SUMMARY_SIZE;
use crate::lock::LockKind;
use crate::refs;
use crate::repo::Repo;

/// The file with the refs.
const SUMMARY: &str = "summary";
/// The file with the signatures over that file.
const SIGNATURES: &str = "summary.sig";

/// The bytes of a summary and of the signatures over them, an `a{sv}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryFiles {
    /// `summary`
    pub summary: Vec<u8>,
    /// `summary.sig`; `None` where the summary is not signed.
    pub signatures: Option<Vec<u8>>,
}

/// Reads both files; `None` if there is no summary.
pub fn read(repo: &Repo) -> Result<Option<SummaryFiles>, RepoError> {
    let Some(summary) = small_file::read(repo.dir(), SUMMARY, MAX_SUMMARY_SIZE)? else { return Ok(None) };
    let signatures = small_file::read(repo.dir(), SIGNATURES, MAX_SUMMARY_SIZE)?;
    Ok(Some(SummaryFiles { summary, signatures }))
}

/// Makes a summary of the refs as they are: local ones, and in its collection map those of other collections. `additional`
/// goes into its metadata; `now` is in seconds since 1970.
///
/// # Errors
/// A ref's commit is missing or malformed; or the repository has static deltas, which cannot be listed yet.
pub fn make(repo: &Repo, additional: &Metadata, now: u64) -> Result<Summary, RepoError> {
    let _lock = repo.lock(LockKind::Shared)?;
    if let Some(deltas) = repo.dir().try_open_dir("deltas")?
        && !deltas.names()?.is_empty()
    {
        return Err(RepoError::Request("a summary of a repository with static deltas is not supported yet".into()));
    }
    let own = repo.config().collection_id.as_deref();
    let locals = refs::list(repo)?.into_iter().filter(|(refspec, _)| refspec.remote.is_none());
    let refs = locals.map(|(refspec, id)| entry(repo, &refspec.name, &id)).collect::<Result<Vec<_>, _>>()?;
    let mut collections: BTreeMap<String, Vec<SummaryRef>> = BTreeMap::new();
    for ((collection, name), id) in other_collections(repo)? {
        collections.entry(collection).or_default().push(entry(repo, &name, &id)?);
    }
    let config = &repo.config().file;
    let mut metadata = Metadata::default();
    metadata.push(summary::MODE, RawVariant::string(config.get("core", "mode").unwrap_or("bare")));
    metadata.push(summary::LAST_MODIFIED, big_endian(now));
    metadata.push(summary::TOMBSTONES, RawVariant::boolean(repo.config().tombstone_commits));
    metadata.push(summary::INDEXED_DELTAS, RawVariant::boolean(true));
    additional.iter().for_each(|(key, value)| metadata.set(key, value.clone()));
    if let Some(id) = own {
        metadata.push(summary::COLLECTION_ID, RawVariant::string(id));
    }
    if !collections.is_empty() {
        metadata.push(summary::COLLECTION_MAP, summary::collection_map(&collections).map_err(StoreError::Invalid)?);
    }
    Ok(Summary { refs, metadata })
}

/// Puts both files in place, the summary first, and says in the configuration that deltas have indexes. Without signatures those
/// of an older summary go.
pub fn write(repo: &Repo, files: &SummaryFiles) -> Result<(), RepoError> {
    let _lock = repo.lock(LockKind::Shared)?;
    let mut config = repo.config().file.clone();
    if config.get("core", "indexed-deltas") != Some("true") {
        config.set("core", "indexed-deltas", "true");
        repo.write_config(&config)?;
    }
    small_file::replace(repo.dir(), SUMMARY, &files.summary, repo.config().fsync)?;
    match &files.signatures {
        Some(signatures) => small_file::replace(repo.dir(), SIGNATURES, signatures, repo.config().fsync),
        None => repo.dir().remove_file(SIGNATURES).map(|_| ()),
    }
}

/// The refs of collections that are not the repository's own.
fn other_collections(repo: &Repo) -> Result<BTreeMap<(String, RefName), CommitId>, RepoError> {
    let config = &repo.config().file;
    let mut found = refs::list_collections(repo)?;
    for (refspec, id) in refs::list(repo)? {
        let Some(remote) = &refspec.remote else { continue };
        if let Some(collection) = config.get(&format!("remote \"{remote}\""), "collection-id") {
            found.insert((collection.to_owned(), refspec.name), id);
        }
    }
    found.retain(|(collection, _), _| Some(collection.as_str()) != repo.config().collection_id.as_deref());
    Ok(found)
}

fn entry(repo: &Repo, name: &RefName, id: &CommitId) -> Result<SummaryRef, RepoError> {
    let object = id.object();
    let bytes = repo.read_metadata(&object)?.ok_or(StoreError::Missing { name: object })?;
    let commit = Commit::decode(&bytes).map_err(|source| StoreError::Object { name: object, source })?;
    let mut about = Metadata::default();
    if let Some(version) = commit.metadata.get_str(metadata::VERSION) {
        about.push(summary::COMMIT_VERSION, RawVariant::string(version));
    }
    about.push(summary::COMMIT_TIMESTAMP, big_endian(commit.timestamp));
    Ok(SummaryRef { name: name.to_string(), commit_size: bytes.len() as u64, commit: *id, metadata: about })
}

/// A number as summaries have it.
fn big_endian(value: u64) -> RawVariant {
    RawVariant { type_string: "t".into(), bytes: value.to_be_bytes().to_vec() }
}
