//! What the commands that sign share: which keys, and how signatures get into a repository.

mod keys;
mod options;

pub use keys::{engine_keys, gpg_keyring, gpg_keys, secret_keys};
pub use options::SignOptions;

use std::time::SystemTime;

use anyhow::{Result, bail};
use ostree_core::{CommitId, Metadata, ReadObject, StoreError, WriteObject};
use ostree_repo::{Repo, Transaction, TransactionOptions};
use ostree_sign::openpgp::{Keyring, SigningKey};
use ostree_sign::trust::commit_reports;
use ostree_sign::{EngineSigner, detached, keys as metadata_keys};

/// The object of a commit.
pub fn commit_bytes(store: &impl ReadObject, id: &CommitId) -> Result<Vec<u8>> {
    let name = id.object();
    Ok(store.read_metadata(&name)?.ok_or(StoreError::Missing { name })?)
}

/// Replaces the detached metadata of a commit that is there.
pub fn write_detached(repo: &Repo, id: &CommitId, metadata: &Metadata) -> Result<()> {
    let transaction = repo.transaction(TransactionOptions::default())?;
    transaction.write_detached(id, metadata)?;
    transaction.commit()?;
    Ok(())
}

/// Adds the signatures of OpenPGP keys over `message` to detached metadata.
///
/// # Errors
/// One of the keys signed it already, as far as `known` knows its signatures.
pub fn add_gpg(metadata: &mut Metadata, message: &[u8], signers: &mut [SigningKey], known: &Keyring) -> Result<()> {
    let now = SystemTime::now();
    for signer in signers {
        let reports = commit_reports(known, message, metadata, now);
        if reports.iter().any(|report| report.primary.as_ref() == Some(signer.primary())) {
            bail!("Commit is already signed with GPG key {}", signer.primary().key_id());
        }
        let signature = signer.sign_detached(message, now)?;
        detached::append(metadata, metadata_keys::GPG, &signature);
    }
    Ok(())
}

/// Adds the signatures of engines over `message` to detached metadata.
pub fn add_engines(metadata: &mut Metadata, message: &[u8], signers: &mut [EngineSigner]) -> Result<()> {
    for signer in signers {
        let signature = signer.sign(message, SystemTime::now())?;
        detached::append(metadata, signer.engine().metadata_key(), &signature);
    }
    Ok(())
}

/// Deletes those signatures under `key` in the detached metadata of a commit that are not to be kept: `keep` sees the commit
/// and a signature. Gives how many that were.
pub fn delete(repo: &Repo, id: &CommitId, key: &str, keep: impl Fn(&[u8], &[u8]) -> bool) -> Result<usize> {
    let Some(mut metadata) = repo.read_detached(id)? else { return Ok(0) };
    let message = commit_bytes(repo, id)?;
    let deleted = detached::retain(&mut metadata, key, |signature| keep(&message, signature));
    if deleted > 0 {
        write_detached(repo, id, &metadata)?;
    }
    Ok(deleted)
}

/// Signs a commit that a transaction wrote.
pub fn sign_new(transaction: &Transaction<'_>, id: &CommitId, options: &SignOptions) -> Result<()> {
    let (mut gpg, mut engines) = (options.gpg_keys()?, options.engine_keys()?);
    if gpg.is_empty() && engines.is_empty() {
        return Ok(());
    }
    let bytes = commit_bytes(transaction, id)?;
    let mut metadata = transaction.read_detached(id)?.unwrap_or_default();
    add_gpg(&mut metadata, &bytes, &mut gpg, &Keyring::new())?;
    add_engines(&mut metadata, &bytes, &mut engines)?;
    Ok(transaction.write_detached(id, &metadata)?)
}
