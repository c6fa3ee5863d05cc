//! The state of one run of `fsck`, and what it may change in the repository.

use std::collections::BTreeSet;

use ostree_core::{CommitId, ObjectName};

use crate::error::RepoError;
use crate::fsck::event::{FsckEvent, FsckReport};
use crate::fsck::options::FsckOptions;
use crate::partial::{self, CommitState};
use crate::repo::Repo;
use crate::tombstone;

/// The state of a run.
pub struct Run<'a> {
    /// What is verified.
    pub repo: &'a Repo,
    /// What was asked for.
    pub options: &'a FsckOptions,
    /// What was found so far.
    pub report: FsckReport,
    /// Commits whose parent is missing, for tombstones.
    pub orphans: Vec<CommitId>,
    marked: BTreeSet<CommitId>,
    /// Who is told.
    pub listener: &'a mut dyn FnMut(&FsckEvent),
}

impl<'a> Run<'a> {
    /// A run that has done nothing.
    pub fn new(repo: &'a Repo, options: &'a FsckOptions, listener: &'a mut dyn FnMut(&FsckEvent)) -> Self {
        Self { repo, options, report: FsckReport::default(), orphans: Vec::new(), marked: BTreeSet::new(), listener }
    }

    /// Whether damaged objects are reported and passed over.
    pub fn keep_going(&self) -> bool {
        self.options.all || self.options.delete
    }

    /// Tells the listener.
    pub fn tell(&mut self, event: FsckEvent) {
        (self.listener)(&event);
    }

    /// Removes a damaged object, if that is wanted; whether it did.
    pub fn delete(&self, object: &ObjectName) -> Result<bool, RepoError> {
        match self.options.delete {
            true => self.repo.objects().remove_file(&self.repo.loose_path(object)),
            false => Ok(false),
        }
    }

    /// Marks commits as partial, each once.
    pub fn mark_partial(&mut self, commits: &[CommitId]) -> Result<(), RepoError> {
        for commit in commits {
            if self.marked.insert(*commit) {
                self.tell(FsckEvent::MarkedPartial(*commit));
                partial::mark(self.repo, commit, CommitState::Damaged)?;
            }
        }
        Ok(())
    }

    /// Writes the tombstones that were found wanting.
    pub fn add_tombstones(&mut self) -> Result<(), RepoError> {
        if self.orphans.is_empty() {
            return Ok(());
        }
        tombstone::enable(self.repo)?;
        for commit in std::mem::take(&mut self.orphans) {
            self.tell(FsckEvent::AddedTombstone(commit));
            tombstone::write(self.repo, &commit)?;
        }
        Ok(())
    }
}
