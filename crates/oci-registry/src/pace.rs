//! How fast and how much: the floor and the ceiling of rates, and the budget of bytes.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::transfer::TransferOptions;

/// What all blobs of one image share.
#[derive(Debug)]
pub(crate) struct Quota {
    rate: Option<u64>,
    max: Option<u64>,
    state: Mutex<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// How many bytes were fetched or promised to someone.
    taken: u64,
    /// Until when the bytes that were fetched last, at the rate that is allowed.
    paid: Instant,
}

impl Quota {
    /// Nothing fetched yet.
    pub(crate) fn new(options: &TransferOptions) -> Self {
        let state = Mutex::new(Shared { taken: 0, paid: Instant::now() });
        Self { rate: options.limit_rate.filter(|rate| *rate > 0), max: options.max_bytes, state }
    }

    /// Sets bytes aside, as many as there still are up to `wanted`. What is not taken out goes back.
    pub(crate) fn grant(&self, wanted: u64) -> Grant<'_> {
        let mut state = self.state();
        let left = self.max.map_or(wanted, |max| max.saturating_sub(state.taken).min(wanted));
        state.taken += left;
        Grant { quota: self, left }
    }

    /// The budget, where there is one.
    pub(crate) fn max(&self) -> Option<u64> {
        self.max
    }

    /// Waits until `bytes` more fit under the ceiling. This is no waiting for the network.
    pub(crate) async fn throttle(&self, bytes: usize) {
        let Some(rate) = self.rate else { return };
        let until = {
            let mut state = self.state();
            let cost = Duration::from_secs_f64(bytes as f64 / rate as f64);
            state.paid = state.paid.max(Instant::now()) + cost;
            state.paid
        };
        tokio::time::sleep_until(until).await;
    }

    fn state(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// Bytes set aside for one request.
#[derive(Debug)]
pub(crate) struct Grant<'a> {
    quota: &'a Quota,
    left: u64,
}

impl Grant<'_> {
    /// How many bytes there are.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Takes out what came; `false` when it is more than there is.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let bytes = bytes as u64;
        let enough = bytes <= self.left || self.quota.max.is_none();
        if bytes > self.left {
            self.quota.state().taken += bytes - self.left;
        }
        self.left = self.left.saturating_sub(bytes);
        enough
    }
}

impl Drop for Grant<'_> {
    fn drop(&mut self) {
        let mut state = self.quota.state();
        state.taken = state.taken.saturating_sub(self.left);
    }
}

/// Watches that one body is not slower than the floor, over windows of time spent waiting for the network.
#[derive(Debug)]
pub(crate) struct Pace {
    least: Option<u64>,
    window: Duration,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// A body that begins; `window` is how long it may be too slow.
    pub(crate) fn new(options: &TransferOptions, window: Duration) -> Self {
        Self { least: options.min_rate.filter(|rate| *rate > 0), window, waited: Duration::ZERO, bytes: 0 }
    }

    /// Takes in a piece that was waited for. The floor, when a whole window was below it.
    pub(crate) fn came(&mut self, waited: Duration, bytes: usize) -> Option<u64> {
        let least = self.least?;
        self.waited += waited;
        self.bytes += bytes as u64;
        if self.waited < self.window {
            return None;
        }
        let rate = self.bytes as f64 / self.waited.as_secs_f64();
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        (rate < least as f64).then_some(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_shared_and_what_is_left_goes_back() {
        let quota = Quota::new(&TransferOptions { max_bytes: Some(100), ..Default::default() });
        let mut first = quota.grant(60);
        let second = quota.grant(60);
        assert_eq!((first.left(), second.left(), quota.grant(1).left()), (60, 40, 0));
        assert!(first.take(50) && !first.take(11));
        drop((first, second));
        assert_eq!(quota.grant(100).left(), 39);
        let free = Quota::new(&TransferOptions::default());
        let mut grant = free.grant(5);
        assert!(grant.take(9));
    }

    #[test]
    fn only_a_whole_slow_window_is_too_slow() {
        let options = TransferOptions { min_rate: Some(100), ..Default::default() };
        let mut pace = Pace::new(&options, Duration::from_secs(2));
        assert_eq!(pace.came(Duration::from_secs(1), 0), None);
        assert_eq!(pace.came(Duration::from_secs(1), 200), None);
        assert_eq!(pace.came(Duration::from_secs(2), 199), Some(100));
    }
}
