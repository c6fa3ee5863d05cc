//! The places an image is fetched from, in order, and whose turn it is after a failure.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oci_image::Digest;
use tokio::time::Instant;

use crate::error::RegistryError;
use crate::exchange::Session;
use crate::name::ImageName;
use crate::options::RegistryOptions;
use crate::pace::Quota;
use crate::partial_store::PartialStore;
use crate::retry::{self, Tries, Verdict};
use crate::run::Run;
use crate::transfer::TransferOptions;

/// All places of one image, and what its blobs share.
#[derive(Debug)]
pub(crate) struct Route {
    /// The image as the user named it.
    pub(crate) name: ImageName,
    stops: Vec<Arc<Waypoint>>,
    pub(crate) quota: Quota,
    pub(crate) partials: Option<Arc<PartialStore>>,
    transfer: TransferOptions,
    run: Arc<Run>,
    /// How often blobs came with wrong bytes that somebody had read by then.
    wrong: Mutex<BTreeMap<Digest, usize>>,
}

/// One place of the route.
#[derive(Debug)]
struct Waypoint {
    session: Arc<Session>,
    /// Until when it asked not to be asked.
    closed: Mutex<Option<Instant>>,
    /// It failed for so long that an operation was given up.
    lost: AtomicBool,
}

impl Waypoint {
    /// How long it still wants not to be asked.
    fn wait(&self) -> Duration {
        let closed = *self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Remembers how long it wants not to be asked, where its answer says so.
    fn close(&self, error: &RegistryError) {
        if let Some(wait) = retry::wanted(error) {
            *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now().checked_add(wait);
        }
    }
}

impl Route {
    /// The route over `sessions`, mirrors first; there must be at least one.
    pub(crate) fn new(name: ImageName, sessions: Vec<Arc<Session>>, options: &RegistryOptions) -> Self {
        let quota = Quota::new(&options.transfer, &options.run);
        let partials = PartialStore::new(&options.transfer).map(Arc::new);
        let stop = |session| Arc::new(Waypoint { session, closed: Mutex::default(), lost: AtomicBool::new(false) });
        let stops = sessions.into_iter().map(stop).collect();
        let (transfer, run) = (options.transfer.clone(), Arc::clone(&options.run));
        Self { name, stops, quota, partials, transfer, run, wrong: Mutex::default() }
    }

    /// The turns of one operation.
    pub(crate) fn turns(&self) -> Turns {
        self.turns_from(0)
    }

    /// The turns of fetching a blob: another place begins after each time that it came with wrong bytes.
    pub(crate) fn turns_for(&self, digest: &Digest) -> Turns {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner).get(digest).copied().unwrap_or(0);
        self.turns_from(wrong % self.stops.len().max(1))
    }

    fn turns_from(&self, at: usize) -> Turns {
        let turn = |(rank, stop)| Turn { stop: Arc::clone(stop), rank, failure: None, doubtful: 0, wrong: 0 };
        let left = self.stops.iter().enumerate().map(turn).collect();
        let (tries, run, moved) = (Tries::new(&self.transfer), Arc::clone(&self.run), self.run.used().moved);
        let mut turns = Turns { left, at, tries, run, moved, refusal: None };
        turns.choose();
        turns
    }

    /// Remembers that a blob came with wrong bytes.
    pub(crate) fn note_wrong(&self, digest: &Digest) {
        *self.wrong.lock().unwrap_or_else(PoisonError::into_inner).entry(digest.clone()).or_default() += 1;
    }
}

/// What one operation has met at one place.
#[derive(Debug)]
struct Turn {
    stop: Arc<Waypoint>,
    /// Its number in the route.
    rank: usize,
    /// Why it failed since the last pause.
    failure: Option<RegistryError>,
    /// How often it was not understood since something came.
    doubtful: u32,
    /// How often it gave wrong bytes. That something comes does not make up for that.
    wrong: u32,
}

impl Turn {
    fn is_ready(&self) -> bool {
        self.failure.is_none() && self.stop.wait().is_zero()
    }

    /// Whether it has failed as always: it was waited for once, and is not again where another place has an answer.
    fn is_lost(&self) -> bool {
        self.failure.is_some() && self.stop.lost.load(Ordering::Relaxed)
    }

    /// Whether it is not to be asked again after `error`.
    fn is_over(&mut self, error: &RegistryError, tries: &Tries) -> bool {
        let times = match retry::judge(error) {
            Verdict::Final => return true,
            Verdict::Transient => return false,
            Verdict::Doubtful => &mut self.doubtful,
            Verdict::Wrong => &mut self.wrong,
        };
        *times += 1;
        tries.are_enough(*times)
    }
}

/// Whose turn it is.
#[derive(Debug)]
pub(crate) struct Turns {
    /// The places that have not refused for good, in order.
    left: Vec<Turn>,
    at: usize,
    tries: Tries,
    run: Arc<Run>,
    /// How many bytes had come to anybody at the last failure.
    moved: u64,
    /// Of the places that have, the number and the words of the one that is last in order. The registry itself is the last
    /// of all, and knows best.
    refusal: Option<(usize, RegistryError)>,
}

impl Turns {
    /// The place to ask now.
    pub(crate) fn session(&self) -> Option<&Arc<Session>> {
        self.left.get(self.at).map(|turn| &turn.stop.session)
    }

    /// Something came: the count starts anew.
    pub(crate) fn progress(&mut self) {
        for turn in &mut self.left {
            (turn.failure, turn.doubtful) = (None, 0);
        }
        self.tries.progress();
    }

    /// Goes on to the next place after `error`, after a pause when every place has failed; or gives an error back, when
    /// there is no next try. A place that refuses for good is left out from then on: the others may have what it has not,
    /// also those that have failed before.
    pub(crate) async fn next(&mut self, error: RegistryError) -> Result<(), RegistryError> {
        let error = retry::bounded(error);
        let Some(turn) = self.left.get_mut(self.at) else { return Err(error) };
        turn.stop.session.renew(&error);
        if matches!(error, RegistryError::BudgetSpent { .. }) {
            return Err(error);
        }
        if turn.is_over(&error, &self.tries) {
            let rank = self.left.remove(self.at).rank;
            let (rank, error) = self.end(rank, error);
            if self.left.iter().all(Turn::is_lost) {
                return Err(error);
            }
            self.refusal = Some((rank, error));
        } else {
            turn.stop.close(&error);
            turn.failure = Some(error);
            self.at += 1;
        }
        if !self.left.iter().any(Turn::is_ready) {
            self.pause().await?;
        }
        self.choose();
        Ok(())
    }

    /// The error to end with, of one at the place with this number and the one that is kept.
    fn end(&mut self, rank: usize, error: RegistryError) -> (usize, RegistryError) {
        match self.refusal.take() {
            Some((kept, refusal)) if kept > rank => (kept, refusal),
            _ => (rank, error),
        }
    }

    /// Waits until a place may be asked again.
    async fn pause(&mut self) -> Result<(), RegistryError> {
        let wait = self.left.iter().map(|turn| turn.stop.wait()).min().unwrap_or_default();
        let mut failed = self.left.iter_mut().rev();
        match failed.find_map(|turn| Some((turn.rank, turn.failure.take()?))) {
            Some((rank, error)) => {
                self.note_others(&error);
                if let Err(error) = self.tries.pause_after(error, wait).await {
                    self.left.iter().for_each(|turn| turn.stop.lost.store(true, Ordering::Relaxed));
                    return Err(self.end(rank, error).1);
                }
            }
            // Others were told to wait.
            None => tokio::time::sleep(wait).await,
        }
        self.left.iter_mut().for_each(|turn| turn.failure = None);
        Ok(())
    }

    /// A registry that does not answer because others of this run have all of its attention is not away.
    fn note_others(&mut self, error: &RegistryError) {
        let moved = self.run.used().moved;
        if matches!(error, RegistryError::TimedOut { .. }) && moved > self.moved {
            self.tries.others_progress();
        }
        self.moved = moved;
    }

    /// Goes on to the next place that may be asked. Where none may, the server will say so once more.
    fn choose(&mut self) {
        let places = self.left.len().max(1);
        let mut next = (0..places).map(|step| (self.at + step) % places);
        let ready = next.find(|at| self.left.get(*at).is_some_and(Turn::is_ready));
        self.at = ready.unwrap_or(self.at % places);
    }
}
