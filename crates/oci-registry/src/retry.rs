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
    /// The two ends do not understand each other. A few more tries tell whether a byte was damaged on its way.
    Doubtful,
    /// The answer came whole, but is not what was asked for. A few more tries tell whether that was chance.
    Wrong,
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
        // What stands in for a registry for a while, and what a body that ended early is taken for.
        RegistryError::NotRegistry { .. } | RegistryError::Encoded { .. } | RegistryError::SizeMismatch { .. } => {
            Verdict::Transient
        }
        RegistryError::Token { garbled: true, .. } => Verdict::Doubtful,
        RegistryError::DigestMismatch { .. } => Verdict::Wrong,
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
        if let Some(error) = tls_error(error) {
            return judge_tls(error);
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

/// Certificates, versions and protocols stay what they are. Everything else is also what one wrong byte leads to: where
/// the bytes are sealed surely, in the first messages, which are not, perhaps.
fn judge_tls(error: &rustls::Error) -> Verdict {
    use rustls::{AlertDescription as A, Error as E, PeerIncompatible as P};
    match error {
        E::InvalidCertificate(_) | E::NoCertificatesPresented | E::UnsupportedNameType | E::NoApplicationProtocol => {
            Verdict::Final
        }
        E::PeerIncompatible(P::ServerDoesNotSupportTls12Or13 | P::ServerTlsVersionIsDisabledByOurConfig) => {
            Verdict::Final
        }
        E::InvalidMessage(_) | E::PeerIncompatible(_) | E::PeerMisbehaved(_) => Verdict::Doubtful,
        E::AlertReceived(alert) => match alert {
            A::BadRecordMac | A::DecryptionFailed | A::DecryptError | A::DecodeError => Verdict::Transient,
            A::UnexpectedMessage | A::InternalError | A::UserCanceled | A::CloseNotify => Verdict::Transient,
            A::HandshakeFailure | A::IllegalParameter | A::RecordOverflow | A::DecompressionFailure => {
                Verdict::Doubtful
            }
            A::MissingExtension | A::UnsupportedExtension | A::UnrecognisedName => Verdict::Doubtful,
            _ => Verdict::Final,
        },
        _ => Verdict::Transient,
    }
}

/// The wait a server asks for before the next question.
pub(crate) fn wanted(error: &RegistryError) -> Option<Duration> {
    match error {
        RegistryError::Status { status: 429 | 503, retry_after, .. } => *retry_after,
        _ => None,
    }
}

/// Makes a failure final whose server asks for a longer wait than anybody wants.
pub(crate) fn bounded(error: RegistryError) -> RegistryError {
    match (wanted(&error), error) {
        (Some(after), RegistryError::Status { place, status, .. }) if after > limits::RETRY_AFTER => {
            RegistryError::Busy { place, status, after }
        }
        (_, error) => error,
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
    /// Nothing has failed since the last progress.
    moved: bool,
}

impl Tries {
    /// An operation that starts now.
    pub(crate) fn new(options: &TransferOptions) -> Self {
        let (least, persistence) = (options.retries.max(1), options.persistence);
        Self { least, persistence, failed: 0, doubtful: 0, since: Instant::now(), moved: false }
    }

    /// Something came: the count starts anew.
    pub(crate) fn progress(&mut self) {
        (self.failed, self.doubtful, self.moved) = (0, 0, true);
        self.since = Instant::now();
    }

    /// Something came to others: the time starts anew, the count does not.
    pub(crate) fn others_progress(&mut self) {
        self.since = Instant::now();
    }

    /// Whether `times` answers that were wrong or not understood are enough of them.
    pub(crate) fn are_enough(&self, times: u32) -> bool {
        times >= limits::DOUBTFUL_TRIES.min(self.least)
    }

    /// Waits before the try after `error`; or gives the error back, when there is none.
    pub(crate) async fn again(&mut self, error: RegistryError) -> Result<(), RegistryError> {
        let error = bounded(error);
        match judge(&error) {
            Verdict::Final => return Err(error),
            Verdict::Transient => {}
            Verdict::Doubtful | Verdict::Wrong => {
                self.doubtful += 1;
                if self.are_enough(self.doubtful) {
                    return Err(error);
                }
            }
        }
        let asked = wanted(&error).unwrap_or_default();
        self.pause_after(error, asked).await
    }

    /// Waits before the next try after an `error` that is not final, for `asked` at least; or gives the error back, when
    /// there were tries enough for long enough.
    pub(crate) async fn pause_after(&mut self, error: RegistryError, asked: Duration) -> Result<(), RegistryError> {
        self.failed += 1;
        let after = self.since.elapsed();
        if self.failed >= self.least && after >= self.persistence {
            return Err(match self.failed {
                1 => error,
                tries => RegistryError::GaveUp { tries, after, source: Box::new(error) },
            });
        }
        // Some servers give so many bytes an answer and no more: that is how they work, and nothing to recover from.
        let ended = std::mem::take(&mut self.moved) && matches!(error, RegistryError::SizeMismatch { .. });
        let pause = if ended { Duration::ZERO } else { self.pause() };
        tokio::time::sleep(pause.max(asked)).await;
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
        let place = Arc::new(Place { operation: "a", host: "h".into(), ..Place::default() });
        let (host, retry_after) = (host.map(str::to_owned), seconds.map(Duration::from_secs));
        RegistryError::Status { place, status, code: String::new(), message: String::new(), host, retry_after }
    }

    #[test]
    fn a_refused_certificate_is_found_however_deep_it_is_hidden() {
        let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let hidden = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, refused));
        assert_eq!(tls_error(&hidden).map(judge_tls), Some(Verdict::Final));
        assert!(tls_error(&io::Error::other("x")).is_none());
    }

    #[test]
    fn a_damaged_byte_in_tls_is_told_apart_from_a_disagreement() {
        use rustls::{AlertDescription as A, Error as E, InvalidMessage, PeerIncompatible, PeerMisbehaved};
        let alert = |alert| judge_tls(&E::AlertReceived(alert));
        let damaged = [A::BadRecordMac, A::DecryptError, A::DecodeError, A::UnexpectedMessage];
        assert_eq!(damaged.map(alert), [Verdict::Transient; 4]);
        let refused =
            [A::CertificateRequired, A::BadCertificate, A::UnknownCA, A::ProtocolVersion, A::NoApplicationProtocol];
        assert_eq!(refused.map(alert), [Verdict::Final; 5]);
        assert_eq!([A::IllegalParameter, A::HandshakeFailure].map(alert), [Verdict::Doubtful; 2]);
        assert_eq!(judge_tls(&E::DecryptError), Verdict::Transient);
        assert_eq!(judge_tls(&E::InvalidMessage(InvalidMessage::InvalidContentType)), Verdict::Doubtful);
        assert_eq!(judge_tls(&E::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite)), Verdict::Doubtful);
        let old = E::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13);
        assert_eq!([old, E::NoApplicationProtocol].map(|error| judge_tls(&error)), [Verdict::Final; 2]);
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
    fn progress_is_forgiven_everything_and_a_wrong_digest_is_not_asked_for_long() {
        let runtime = Runtime::start().unwrap();
        let options = TransferOptions { persistence: Duration::from_millis(200), ..Default::default() };
        let place = match status(500, None, None) {
            RegistryError::Status { place, .. } => place,
            _ => unreachable!(),
        };
        let short = || RegistryError::SizeMismatch { place: Arc::clone(&place), expected: 2, actual: 1 };
        let digest = oci_image::Digest::sha256(b"");
        let wrong = || RegistryError::DigestMismatch {
            place: Arc::clone(&place),
            expected: digest.clone(),
            actual: oci_image::Digest::sha256(b"a"),
        };
        let mut tries = Tries::new(&options);
        for _ in 0..20 {
            tries.progress();
            runtime.block_on(tries.again(short())).unwrap();
            runtime.block_on(tries.again(wrong())).unwrap();
        }
        let mut tries = Tries::new(&options);
        let failed = (1..100).find(|_| runtime.block_on(tries.again(short())).is_err());
        assert!(failed.is_some_and(|failed| failed >= 5), "{failed:?}");
        let mut tries = Tries::new(&options);
        assert_eq!((1..100).find(|_| runtime.block_on(tries.again(wrong())).is_err()), Some(3));
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
