//! The places an image is fetched from, in order, and whose turn it is after a failure.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use oci_image::Digest;

use crate::error::RegistryError;
use crate::exchange::Session;
use crate::name::ImageName;
use crate::options::RegistryOptions;
use crate::pace::Quota;
use crate::partial_store::PartialStore;
use crate::retry::{self, Tries, Verdict};
use crate::transfer::TransferOptions;

/// All places of one image, and what its blobs share.
#[derive(Debug)]
pub(crate) struct Route {
    /// The image as the user named it.
    pub(crate) name: ImageName,
    sessions: Vec<Arc<Session>>,
    pub(crate) quota: Quota,
    pub(crate) partials: Option<Arc<PartialStore>>,
    pub(crate) transfer: TransferOptions,
    /// How often blobs came with wrong bytes that somebody had read by then.
    wrong: Mutex<BTreeMap<Digest, usize>>,
}

impl Route {
    /// The route over `sessions`, mirrors first; there must be at least one.
    pub(crate) fn new(name: ImageName, sessions: Vec<Arc<Session>>, options: &RegistryOptions) -> Self {
        let quota = Quota::new(&options.transfer, &options.run);
        let partials = PartialStore::new(&options.transfer).map(Arc::new);
        Self { name, sessions, quota, partials, transfer: options.transfer.clone(), wrong: Mutex::default() }
    }

    /// The turns of one operation.
    pub(crate) fn turns(&self) -> Turns {
        Turns { left: self.sessions.clone(), at: 0, failed: 0, tries: Tries::new(&self.transfer) }
    }

    /// The turns of fetching a blob: another place begins after each time that it came with wrong bytes.
    pub(crate) fn turns_for(&self, digest: &Digest) -> Turns {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner).get(digest).copied().unwrap_or(0);
        let mut turns = self.turns();
        turns.at = wrong % turns.left.len().max(1);
        turns
    }

    /// Remembers that a blob came with wrong bytes.
    pub(crate) fn note_wrong(&self, digest: &Digest) {
        *self.wrong.lock().unwrap_or_else(PoisonError::into_inner).entry(digest.clone()).or_default() += 1;
    }
}

/// Whose turn it is.
#[derive(Debug)]
pub(crate) struct Turns {
    /// The places that have not refused for good, in order.
    left: Vec<Arc<Session>>,
    at: usize,
    /// How many of them failed since the last pause.
    failed: usize,
    tries: Tries,
}

impl Turns {
    /// The place to ask now.
    pub(crate) fn session(&self) -> Option<&Arc<Session>> {
        self.left.get(self.at)
    }

    /// Something came: the count starts anew.
    pub(crate) fn progress(&mut self) {
        self.failed = 0;
        self.tries.progress();
    }

    /// Goes on to the next place after `error`, after a pause when every place has failed; or gives an error back, when
    /// there is no next try.
    pub(crate) async fn next(&mut self, error: RegistryError) -> Result<(), RegistryError> {
        let Some(session) = self.session() else { return Err(error) };
        session.renew(&error);
        if matches!(error, RegistryError::BudgetSpent { .. }) {
            return Err(error);
        }
        if retry::judge(&error) == Verdict::Final {
            // The others may have what this one has not.
            if self.failed + 1 >= self.left.len() {
                return Err(error);
            }
            self.left.remove(self.at);
            self.at = if self.at < self.left.len() { self.at } else { 0 };
            return Ok(());
        }
        self.failed += 1;
        self.at = (self.at + 1) % self.left.len();
        if self.failed >= self.left.len() {
            self.failed = 0;
            self.tries.again(error).await?;
        }
        Ok(())
    }
}
