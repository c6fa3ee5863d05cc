//! What all images that are opened in one run have in common: the ceiling of rates, the budget, and who speaks no TLS.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// What one run has used and learned. Options that are cloned share it.
#[derive(Debug, Default)]
pub struct Run {
    used: Mutex<Used>,
    /// The hosts where plain HTTP was answered after TLS was not.
    plain: Mutex<BTreeSet<String>>,
}

/// What was used of the quotas.
#[derive(Debug, Default)]
pub(crate) struct Used {
    /// How many bytes were fetched or promised to someone.
    pub(crate) taken: u64,
    /// How many of them are promised and did not come yet.
    pub(crate) held: u64,
    /// How many bytes came: it grows as long as anybody comes on.
    pub(crate) moved: u64,
    /// Until when the bytes that were moved last, at the rate that is allowed.
    pub(crate) paid: Option<Instant>,
}

impl Run {
    /// What was used so far.
    pub(crate) fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a host (`name[:port]`) is known to speak no TLS.
    pub(crate) fn is_plain(&self, host: &str) -> bool {
        self.plain.lock().unwrap_or_else(PoisonError::into_inner).contains(host)
    }

    /// Remembers that a host speaks no TLS.
    pub(crate) fn note_plain(&self, host: &str) {
        self.plain.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned());
    }
}
