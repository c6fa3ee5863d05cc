//! When a failed request is worth another try, and how long to wait before it.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::RegistryError;
use crate::limits;
use crate::transfer::TransferOptions;

/// What a failure says about the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The next try may succeed: the network, the server's health, or an address that has expired.
    Transient,
    /// The answer came, but is not what was asked for. A few more tries tell whether that was chance.
    Doubtful,
    /// The same question will be answered the same way.
    Final,
}

/// Judges a failure.
pub(crate) fn judge(error: &RegistryError) -> Verdict {
    match error {
        RegistryError::TimedOut { .. } | RegistryError::TooSlow { .. } => Verdict::Transient,
        RegistryError::Network { source, .. } => judge_network(source),
        RegistryError::Status { status: 408 | 429 | 500..=599, .. } => Verdict::Transient,
        // Elsewhere the address itself is the permission, and it ends.
        RegistryError::Status { status: 401 | 403, host: Some(_), .. } => Verdict::Transient,
        RegistryError::NotRegistry { .. }
        | RegistryError::Encoded { .. }
        | RegistryError::DigestMismatch { .. }
        | RegistryError::SizeMismatch { .. } => Verdict::Doubtful,
        _ => Verdict::Final,
    }
}

/// A connection that could not be made or broke is worth another try, unless its two ends cannot agree on TLS.
fn judge_network(error: &reqwest::Error) -> Verdict {
    if error.is_builder() {
        return Verdict::Final;
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if tls_error(error).is_some_and(is_disagreement) {
            return Verdict::Final;
        }
        cause = error.source();
    }
    Verdict::Transient
}

/// The TLS error that an error is. An I/O error hides what it holds from `source`, and may hold another one.
fn tls_error<'a>(mut error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    while let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        error = inner;
    }
    error.downcast_ref()
}

fn is_disagreement(error: &rustls::Error) -> bool {
    use rustls::Error as E;
    match error {
        E::AlertReceived(alert) => !matches!(alert, rustls::AlertDescription::InternalError),
        E::InvalidCertificate(_)
        | E::InvalidMessage(_)
        | E::NoCertificatesPresented
        | E::UnsupportedNameType
        | E::PeerIncompatible(_)
        | E::PeerMisbehaved(_)
        | E::NoApplicationProtocol => true,
        _ => false,
    }
}

/// The tries of one operation since its last progress.
#[derive(Debug)]
pub(crate) struct Tries {
    least: u32,
    persistence: Duration,
    failed: u32,
    doubtful: u32,
    since: Instant,
}

impl Tries {
    /// An operation that starts now.
    pub(crate) fn new(options: &TransferOptions) -> Self {
        let (least, persistence) = (options.retries.max(1), options.persistence);
        Self { least, persistence, failed: 0, doubtful: 0, since: Instant::now() }
    }

    /// Something came: the count starts anew.
    pub(crate) fn progress(&mut self) {
        self.failed = 0;
        self.since = Instant::now();
    }

    /// Waits before the try after `error`; or gives the error back, when there is none.
    pub(crate) async fn again(&mut self, error: RegistryError) -> Result<(), RegistryError> {
        let verdict = judge(&error);
        if verdict == Verdict::Final {
            return Err(error);
        }
        self.failed += 1;
        if verdict == Verdict::Doubtful {
            self.doubtful += 1;
            if self.doubtful >= limits::DOUBTFUL_TRIES.min(self.least) {
                return Err(error);
            }
        }
        let after = self.since.elapsed();
        if self.failed >= self.least && after >= self.persistence {
            return Err(match self.failed {
                1 => error,
                tries => RegistryError::GaveUp { tries, after, source: Box::new(error) },
            });
        }
        let asked = match &error {
            RegistryError::Status { place, status: status @ (429 | 503), retry_after: Some(wanted), .. } => {
                if *wanted > limits::RETRY_AFTER {
                    return Err(RegistryError::Busy { place: place.clone(), status: *status, after: *wanted });
                }
                *wanted
            }
            _ => Duration::ZERO,
        };
        tokio::time::sleep(self.pause().max(asked)).await;
        Ok(())
    }

    /// The pause before the next try: doubled each time up to a bound, and spread by half of it, so that many clients
    /// that failed at the same time do not come back at the same time.
    fn pause(&self) -> Duration {
        let first = self.persistence / limits::FIRST_PAUSE;
        let doubled = first.saturating_mul(1 << self.failed.saturating_sub(1).min(16));
        let whole = doubled.min(self.persistence / limits::LONGEST_PAUSE);
        let half = whole / 2;
        let spread = RandomState::new().hash_one(self.failed) % 1024;
        half + half.mul_f64(spread as f64 / 1024.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Place;
    use crate::runtime::Runtime;
    use std::sync::Arc;

    fn status(status: u16, host: Option<&str>, seconds: Option<u64>) -> RegistryError {
        let place =
            Arc::new(Place { operation: "a", subject: String::new(), host: "h".into(), repository: String::new() });
        let (host, retry_after) = (host.map(str::to_owned), seconds.map(Duration::from_secs));
        RegistryError::Status { place, status, code: String::new(), message: String::new(), host, retry_after }
    }

    #[test]
    fn a_refused_certificate_is_found_however_deep_it_is_hidden() {
        let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let hidden = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, refused));
        assert!(tls_error(&hidden).is_some_and(is_disagreement));
        assert!(tls_error(&io::Error::other("x")).is_none());
    }

    #[test]
    fn verdicts() {
        assert_eq!([404, 401, 403, 400, 416].map(|s| judge(&status(s, None, None))), [Verdict::Final; 5]);
        assert_eq!([500, 502, 503, 429].map(|s| judge(&status(s, None, None))), [Verdict::Transient; 4]);
        assert_eq!(judge(&status(403, Some("https://cdn"), None)), Verdict::Transient);
        assert_eq!(judge(&status(404, Some("https://cdn"), None)), Verdict::Final);
    }

    #[test]
    fn tries_end_and_progress_starts_them_anew() {
        let runtime = Runtime::start().unwrap();
        let options = TransferOptions { retries: 3, persistence: Duration::from_millis(1), ..Default::default() };
        let mut tries = Tries::new(&options);
        for _ in 0..5 {
            runtime.block_on(tries.again(status(500, None, None))).unwrap();
            runtime.block_on(tries.again(status(500, None, None))).unwrap();
            tries.progress();
        }
        let mut count = 0;
        let error = loop {
            count += 1;
            if let Err(error) = runtime.block_on(tries.again(status(500, None, None))) {
                break error;
            }
        };
        assert!(count >= 3 && matches!(error, RegistryError::GaveUp { tries, .. } if tries == count), "{error}");
        let long = runtime.block_on(Tries::new(&options).again(status(429, None, Some(61))));
        assert!(matches!(long, Err(RegistryError::Busy { .. })));
    }

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let mut tries = Tries::new(&TransferOptions::default());
        for failed in 1..30 {
            tries.failed = failed;
            let pause = tries.pause();
            assert!(pause >= Duration::from_millis(400) && pause <= Duration::from_secs(15), "{failed}: {pause:?}");
        }
    }
}
