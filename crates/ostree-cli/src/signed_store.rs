//! A repository in which one commit is signed, while nothing of it is written.

use anyhow::Result;
use ostree_core::{CommitId, FileId, FileObject, Metadata, ObjectName, ReadObject, StoreError};
use ostree_repo::Repo;

use crate::commands::repo::signing::{self, SignOptions, gpg_keyring};

/// The repository with other detached metadata of one commit.
pub struct SignedStore<'a> {
    repo: &'a Repo,
    commit: CommitId,
    /// `None` where nothing is added.
    detached: Option<Metadata>,
}

impl<'a> SignedStore<'a> {
    /// Adds the signatures that the options ask for to those that the commit has.
    pub fn new(repo: &'a Repo, commit: CommitId, options: &SignOptions) -> Result<Self> {
        if !options.is_asked() {
            return Ok(Self { repo, commit, detached: None });
        }
        let (mut gpg, mut engines) = (options.gpg_keys()?, options.engine_keys()?);
        let message = signing::commit_bytes(repo, &commit)?;
        let mut metadata = repo.read_detached(&commit)?.unwrap_or_default();
        signing::add_gpg(&mut metadata, &message, &mut gpg, &gpg_keyring(repo, options.gpg_homedir.as_deref())?)?;
        signing::add_engines(&mut metadata, &message, &mut engines)?;
        Ok(Self { repo, commit, detached: Some(metadata) })
    }
}

impl ReadObject for SignedStore<'_> {
    fn has_object(&self, name: &ObjectName) -> Result<bool, StoreError> {
        self.repo.has_object(name)
    }

    fn read_metadata(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, StoreError> {
        self.repo.read_metadata(name)
    }

    fn read_detached(&self, commit: &CommitId) -> Result<Option<Metadata>, StoreError> {
        match &self.detached {
            Some(detached) if *commit == self.commit => Ok(Some(detached.clone())),
            _ => self.repo.read_detached(commit),
        }
    }

    fn read_file(&self, id: &FileId) -> Result<Option<FileObject>, StoreError> {
        self.repo.read_file(id)
    }
}
