//! What a caller may say about patience and quantity: tries, rates, budgets, and where unfinished blobs are kept.

use std::path::PathBuf;
use std::time::Duration;

use crate::limits;

/// How hard blobs are fought for, how fast and how many bytes are fetched, and where unfinished ones stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferOptions {
    /// How many tries without a byte of progress there are at least, before an operation is given up. Every byte that
    /// came starts the count anew.
    pub retries: u32,
    /// For how long at least an operation is tried without progress, however many tries that are.
    pub persistence: Duration,
    /// The floor, in bytes a second: a body that is slower over a whole [`crate::RegistryOptions::timeout`] counts as
    /// stalled. Only time spent waiting for the network counts.
    pub min_rate: Option<u64>,
    /// The ceiling of all blobs of one run together, in bytes a second.
    pub limit_rate: Option<u64>,
    /// How many bytes of blobs may be fetched in one run. What came stays in `partials`.
    pub max_bytes: Option<u64>,
    /// The directory for blobs whose transfer has not ended, made with mode 0700 when it is needed. `None` keeps none.
    pub partials: Option<PathBuf>,
    /// The size in bytes that directory may have; the oldest blobs go first. 0 keeps none.
    pub partial_cache: u64,
    /// How many bytes must stay free in that directory's file system; nothing is kept beyond that.
    pub partial_reserve: u64,
}

impl Default for TransferOptions {
    fn default() -> Self {
        Self {
            retries: limits::TRIES,
            persistence: limits::PERSISTENCE,
            min_rate: None,
            limit_rate: None,
            max_bytes: None,
            partials: None,
            partial_cache: limits::PARTIAL_CACHE_BYTES,
            partial_reserve: 0,
        }
    }
}
