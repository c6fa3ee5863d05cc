//! All waiting: every wait for the network ends, at the latest when nothing has moved for a set time.

use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::{Place, RegistryError};
use crate::limits;
use crate::pace::Pace;

/// How long the phases of a request may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Without any movement.
    pub(crate) idle: Duration,
    /// Between the last byte of a request's body and the answer to it.
    pub(crate) finish: Duration,
    /// How many bytes a second a body must have at least, while it is waited for.
    pub(crate) least: Option<u64>,
}

impl Patience {
    /// `idle` as given, and a multiple of it for the answer to an upload; without a floor of rates.
    pub(crate) fn new(idle: Duration) -> Self {
        Self { idle, finish: idle.saturating_mul(limits::FINISH_FACTOR), least: None }
    }

    /// The same with a floor, where there is one.
    pub(crate) fn with_least(self, least: Option<u64>) -> Self {
        Self { least: least.filter(|rate| *rate > 0), ..self }
    }

    /// The same for small documents, of which nobody has so many bytes that they could come at less than a floor of our own.
    pub(crate) fn for_small(self) -> Self {
        Self { least: Some(self.least.unwrap_or(limits::SMALL_RATE)), ..self }
    }
}

/// What a request's body is doing, told by the body and watched by [`answer`].
#[derive(Debug)]
pub(crate) struct Pulse(Mutex<(Phase, Instant)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is no body: the answer may come at once.
    Asked,
    /// The network has been given a piece of the body and has not asked for the next.
    Sending,
    /// The network waits for this program, which may be compressing: no reason to lose patience.
    Producing,
    /// The whole body is with the network.
    Sent,
}

impl Pulse {
    /// A request that starts now, without a body as far as known.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new((Phase::Asked, Instant::now()))))
    }

    /// The network took a piece of the body.
    pub(crate) fn sending(&self) {
        self.set(Phase::Sending);
    }

    /// The network asked for a piece that is not there yet.
    pub(crate) fn producing(&self) {
        self.set(Phase::Producing);
    }

    /// The network took the last piece of the body.
    pub(crate) fn sent(&self) {
        self.set(Phase::Sent);
    }

    fn set(&self, phase: Phase) {
        *self.0.lock().unwrap_or_else(|e| e.into_inner()) = (phase, Instant::now());
    }

    fn limit(&self, patience: &Patience) -> (Instant, &'static str, Duration) {
        let (phase, since) = *self.0.lock().unwrap_or_else(|e| e.into_inner());
        match phase {
            Phase::Asked => (since + patience.idle, "waiting for the answer", patience.idle),
            Phase::Sending => (since + patience.idle, "sending", patience.idle),
            Phase::Producing => (Instant::now() + patience.idle, "sending", patience.idle),
            Phase::Sent => (since + patience.finish, "waiting for the answer to what was sent", patience.finish),
        }
    }
}

/// Waits for the head of the answer to a request whose body reports to `pulse`.
pub(crate) async fn answer<T>(
    request: impl Future<Output = Result<T, reqwest::Error>>,
    pulse: &Pulse,
    patience: &Patience,
    place: &Arc<Place>,
) -> Result<T, RegistryError> {
    let mut request = pin!(request);
    loop {
        let (until, ..) = pulse.limit(patience);
        if let Ok(result) = timeout_at(until, request.as_mut()).await {
            return result.map_err(|e| RegistryError::network(place, e));
        }
        let (until, phase, after) = pulse.limit(patience);
        if until <= Instant::now() {
            return Err(RegistryError::TimedOut { place: Arc::clone(place), phase, after });
        }
    }
}

/// The body of an answer, piece by piece.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    response: Response,
    pace: Pace,
    patience: Patience,
    place: Arc<Place>,
}

impl AnswerBody {
    /// The body of `response`.
    pub(crate) fn of(response: Response, patience: Patience, place: &Arc<Place>) -> Self {
        let pace = Pace::new(patience.least, patience.idle);
        Self { response, pace, patience, place: Arc::clone(place) }
    }

    /// Waits for the next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        let (asked, after) = (Instant::now(), self.patience.idle);
        let place = || Arc::clone(&self.place);
        let piece = match timeout(after, self.response.chunk()).await {
            Ok(result) => result.map_err(|e| RegistryError::network(&self.place, e))?,
            Err(_) => return Err(RegistryError::TimedOut { place: place(), phase: "receiving", after }),
        };
        match self.pace.came(asked.elapsed(), piece.as_ref().map_or(0, Bytes::len)) {
            Some(least) if piece.is_some() => Err(RegistryError::TooSlow { place: place(), least, after }),
            _ => Ok(piece),
        }
    }
}
