//! The record of an update that was seen but not pulled, kept in the detached metadata of the stored image's merge commit.
//!
//! The other detached metadata, signatures among it, stays.

use oci_image::{Digest, ImageConfig, Manifest, json};
use ostree_core::metadata::RawVariant;
use ostree_core::{CommitId, Metadata, ReadObject, WriteObject};
use ostree_repo::{Repo, TransactionOptions};

use crate::error::ContainerError;
use crate::keys::{CACHED_CONFIG, CACHED_MANIFEST, CACHED_MANIFEST_DIGEST};

/// A newer image of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedUpdate {
    /// The digest of the document the name stands for now.
    pub manifest_digest: Digest,
    /// The manifest.
    pub manifest: Manifest,
    /// The configuration.
    pub config: ImageConfig,
}

/// The record that the image of merge commit `commit` has; `None` if there is none. One that is there in part only, or
/// cannot be parsed, is none: it is no more than a note, and the next look at the source writes it anew.
///
/// # Errors
/// Those of reading the detached metadata.
pub fn cached_update(repo: &Repo, commit: &CommitId) -> Result<Option<CachedUpdate>, ContainerError> {
    Ok(repo.read_detached(commit)?.and_then(|detached| parse(&detached)))
}

fn parse(detached: &Metadata) -> Option<CachedUpdate> {
    Some(CachedUpdate {
        manifest_digest: detached.get_str(CACHED_MANIFEST_DIGEST)?.parse().ok()?,
        manifest: Manifest::parse(detached.get_str(CACHED_MANIFEST)?.as_bytes()).ok()?,
        config: ImageConfig::parse(detached.get_str(CACHED_CONFIG)?.as_bytes()).ok()?,
    })
}

/// Writes the record, in place of the one that is there. Nothing is written where it says the same already. The caller
/// must hold no exclusive lock on the repository.
///
/// # Errors
/// Those of reading and writing the detached metadata, and [`ContainerError::Image`] for documents with fractions in them.
pub fn set_cached_update(repo: &Repo, commit: &CommitId, update: &CachedUpdate) -> Result<(), ContainerError> {
    edit(repo, commit, |detached| {
        let manifest = canonical("image manifest", &update.manifest)?;
        let config = canonical("image configuration", &update.config)?;
        detached.set(CACHED_CONFIG, RawVariant::string(&config));
        detached.set(CACHED_MANIFEST, RawVariant::string(&manifest));
        detached.set(CACHED_MANIFEST_DIGEST, RawVariant::string(&update.manifest_digest.to_string()));
        Ok(())
    })?;
    Ok(())
}

/// Removes the record; whether there was anything of it.
///
/// # Errors
/// Those of reading and writing the detached metadata.
pub fn clear_cached_update(repo: &Repo, commit: &CommitId) -> Result<bool, ContainerError> {
    edit(repo, commit, |detached| {
        for key in [CACHED_CONFIG, CACHED_MANIFEST, CACHED_MANIFEST_DIGEST] {
            detached.remove(key);
        }
        Ok(())
    })
}

/// Changes the detached metadata of a commit; whether that made a difference.
fn edit(
    repo: &Repo,
    commit: &CommitId,
    change: impl FnOnce(&mut Metadata) -> Result<(), ContainerError>,
) -> Result<bool, ContainerError> {
    // The lock comes before the reading, so that nothing is pruned in between.
    let transaction = repo.transaction(TransactionOptions::default())?;
    let before = transaction.read_detached(commit)?.unwrap_or_default();
    let mut after = before.clone();
    change(&mut after)?;
    if after == before {
        return Ok(false);
    }
    transaction.write_detached(commit, &after)?;
    transaction.commit()?;
    Ok(true)
}

fn canonical<T: serde::Serialize>(what: &str, value: &T) -> Result<String, ContainerError> {
    let bytes = json::to_canonical(what, value)?;
    Ok(String::from_utf8(bytes).expect("JSON is written as UTF-8"))
}
