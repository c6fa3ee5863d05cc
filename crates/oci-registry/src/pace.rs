//! How fast and how much: the floor and the ceiling of rates, and the budget of bytes.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{self, BLOCK_BYTES};
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

    /// Sets bytes aside for a request for the bytes `span` of a blob, which begin at a block of it or behind one. All of
    /// them where there is no budget, else a share of what there still is, in whole blocks: nothing less is kept for the
    /// next run, and whoever has to wait with a share in hand keeps little from the others. What is not taken out goes
    /// back.
    pub(crate) fn grant(&self, span: &Range<u64>) -> Grant<'_> {
        let mut state = self.run.used();
        let rest = span.end.saturating_sub(span.start);
        let least = (BLOCK_BYTES - span.start % BLOCK_BYTES).min(rest);
        let left = match self.max.map(|max| max.saturating_sub(state.taken)) {
            None => rest,
            Some(left) if left < least => 0,
            Some(left) => {
                let end = (span.start + left.min(rest) / limits::BUDGET_SHARE) / BLOCK_BYTES * BLOCK_BYTES;
                end.saturating_sub(span.start).max(least)
            }
        };
        state.taken += left;
        state.held += left;
        Grant { quota: self, left }
    }

    /// The same; where nothing is left, waits for what others may give back, as long as bytes come to any of them.
    pub(crate) async fn grant_soon(&self, span: &Range<u64>) -> Grant<'_> {
        loop {
            let grant = self.grant(span);
            let (held, moved) = {
                let state = self.run.used();
                (state.held, state.moved)
            };
            if grant.left > 0 || held == 0 {
                return grant;
            }
            tokio::time::sleep(limits::BUDGET_PAUSE).await;
            if self.run.used().moved == moved {
                return self.grant(span);
            }
        }
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

    /// Sets more aside, up to `wanted` bytes, for an answer that has more than was asked for.
    pub(crate) fn grow(&mut self, wanted: u64) {
        let mut state = self.quota.run.used();
        let left = self.quota.max.map_or(u64::MAX, |max| max.saturating_sub(state.taken));
        let more = wanted.saturating_sub(self.left).min(left);
        state.taken += more;
        state.held += more;
        self.left += more;
    }

    /// Takes out what came; `false` when it is more than there is in the whole budget.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let bytes = bytes as u64;
        let mut state = self.quota.run.used();
        let promised = bytes.min(self.left);
        self.left -= promised;
        state.held = state.held.saturating_sub(promised);
        state.taken += bytes - promised;
        state.moved += bytes;
        self.quota.max.is_none_or(|max| state.taken <= max)
    }
}

impl Drop for Grant<'_> {
    fn drop(&mut self) {
        let mut state = self.quota.run.used();
        state.taken = state.taken.saturating_sub(self.left);
        state.held = state.held.saturating_sub(self.left);
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
    /// A body that begins, with a floor of `least` bytes a second; `window` is how long it may be too slow.
    pub(crate) fn new(least: Option<u64>, window: Duration) -> Self {
        Self { least, window, waited: Duration::ZERO, bytes: 0 }
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

    fn budget(max_bytes: Option<u64>, run: &Arc<Run>) -> Quota {
        Quota::new(&TransferOptions { max_bytes, ..Default::default() }, run)
    }

    #[test]
    fn a_budget_is_shared_in_blocks_and_what_is_left_goes_back() {
        const B: u64 = BLOCK_BYTES;
        let run = Arc::default();
        let quota = budget(Some(20 * B + 7), &run);
        let mut first = quota.grant(&(0..70 * B));
        let second = quota.grant(&(5 * B + 3..70 * B));
        assert_eq!((first.left(), second.left()), (2 * B, 2 * B - 3), "an eighth, up to the end of a block");
        assert_eq!(quota.grant(&(3 * B..3 * B + 9)).left(), 9, "no more than there is to fetch");
        assert!(first.take(B as usize));
        drop((first, second));
        let (taken, held) = {
            let used = run.used();
            (used.taken, used.held)
        };
        assert_eq!((taken, held), (B, 0));
        let sibling = budget(Some(2 * B - 1), &run);
        assert_eq!(sibling.grant(&(0..9 * B)).left(), 0, "less than a block is of no use");
        let mut small = sibling.grant(&(0..B - 1));
        assert_eq!(small.left(), B - 1, "another image of the same run");
        assert!(small.take(B as usize - 1) && !small.take(1));
        let free = budget(None, &run);
        let mut grant = free.grant(&(2..7 * B));
        assert!(grant.left() == 7 * B - 2 && grant.take(9 * B as usize));
    }

    #[test]
    fn an_answer_that_is_larger_takes_more_of_the_budget_while_there_is_some() {
        let quota = budget(Some(20 * BLOCK_BYTES), &Arc::default());
        let mut grant = quota.grant(&(0..9 * BLOCK_BYTES));
        grant.grow(9 * BLOCK_BYTES);
        assert_eq!(grant.left(), 9 * BLOCK_BYTES);
        grant.grow(30 * BLOCK_BYTES);
        assert_eq!(grant.left(), 20 * BLOCK_BYTES);
    }

    #[test]
    fn only_a_whole_slow_window_is_too_slow() {
        let mut pace = Pace::new(Some(100), Duration::from_secs(2));
        assert_eq!(pace.came(Duration::from_secs(1), 0), None);
        assert_eq!(pace.came(Duration::from_secs(1), 200), None);
        assert_eq!(pace.came(Duration::from_secs(2), 199), Some(100));
    }
}
