//! How fast and how much: the floor and the ceiling of rates, and the budget of bytes.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::run::Run;
use crate::transfer::TransferOptions;

/// What all blobs of one run share.
#[derive(Debug)]
pub(crate) struct Quota {
    rate: Option<u64>,
    max: Option<u64>,
    run: Arc<Run>,
}

impl Quota {
    /// The quota of a run.
    pub(crate) fn new(options: &TransferOptions, run: &Arc<Run>) -> Self {
        Self { rate: options.limit_rate.filter(|rate| *rate > 0), max: options.max_bytes, run: Arc::clone(run) }
    }

    /// Sets bytes aside, as many as there still are up to `wanted`. What is not taken out goes back.
    pub(crate) fn grant(&self, wanted: u64) -> Grant<'_> {
        let mut state = self.run.used();
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
            let mut used = self.run.used();
            let cost = Duration::from_secs_f64(bytes as f64 / rate as f64);
            let paid = used.paid.map_or_else(Instant::now, |paid| paid.max(Instant::now())) + cost;
            *used.paid.insert(paid)
        };
        tokio::time::sleep_until(until).await;
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
            self.quota.run.used().taken += bytes - self.left;
        }
        self.left = self.left.saturating_sub(bytes);
        enough
    }
}

impl Drop for Grant<'_> {
    fn drop(&mut self) {
        let mut state = self.quota.run.used();
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
        let quota = Quota::new(&TransferOptions { max_bytes: Some(100), ..Default::default() }, &Arc::default());
        let mut first = quota.grant(60);
        let second = quota.grant(60);
        assert_eq!((first.left(), second.left(), quota.grant(1).left()), (60, 40, 0));
        assert!(first.take(50) && !first.take(11));
        drop((first, second));
        assert_eq!(quota.grant(100).left(), 39);
        let sibling = Quota::new(&TransferOptions { max_bytes: Some(70), ..Default::default() }, &quota.run);
        assert_eq!(sibling.grant(100).left(), 9, "another image of the same run");
        let free = Quota::new(&TransferOptions::default(), &Arc::default());
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
