//! The places an image is fetched from, in order, and whose turn it is after a failure.

use std::sync::Arc;

use crate::error::RegistryError;
use crate::exchange::Session;
use crate::name::ImageName;
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
}

impl Route {
    /// The route over `sessions`, mirrors first; there must be at least one.
    pub(crate) fn new(name: ImageName, sessions: Vec<Arc<Session>>, options: &TransferOptions) -> Self {
        let quota = Quota::new(options);
        let partials = PartialStore::new(options).map(Arc::new);
        Self { name, sessions, quota, partials, transfer: options.clone() }
    }

    /// The turns of one operation.
    pub(crate) fn turns(&self) -> Turns {
        Turns { left: self.sessions.clone(), at: 0, failed: 0, tries: Tries::new(&self.transfer) }
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
