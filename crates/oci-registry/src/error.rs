//! The one error type of this crate: what was being done, on which registry and repository, and what came of it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use oci_image::{Digest, ImageError, InvalidName};
use reqwest::Url;

use crate::endpoint;
use crate::limits;

/// What a request was for: the words every message about it starts with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// What was being done, as in "fetching".
    pub operation: &'static str,
    /// The manifest, tag or blob it was done to, as in "blob sha256:…"; empty when it concerns the whole registry.
    pub subject: String,
    /// The registry as the image's name gives it, `host[:port]`.
    pub host: String,
    /// The repository on it; empty when it concerns the whole registry.
    pub repository: String,
    /// Which other host was asked, and through which proxy, in words; empty for the registry itself.
    pub way: String,
}

impl Place {
    /// The same where another host than the registry was asked for it.
    pub(crate) fn at(&self, url: &Url) -> Arc<Self> {
        Arc::new(Self { way: format!(" at {}", endpoint::shown(url)), ..self.clone() })
    }

    /// The same place, asked through `proxy`.
    fn through(&self, proxy: &str) -> Arc<Self> {
        Arc::new(Self { way: format!("{} through {proxy}", self.way), ..self.clone() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)?;
        if !self.subject.is_empty() {
            write!(f, " {}", self.subject)?;
        }
        match (self.subject.is_empty(), self.repository.is_empty()) {
            (false, false) => write!(f, " of {}/{}", self.host, self.repository),
            (true, false) => write!(f, " {}/{}", self.host, self.repository),
            (_, true) => write!(f, " {}", self.host),
        }?;
        f.write_str(&self.way)
    }
}

/// What can go wrong with a registry. No variant ever holds a credential, a token or a signed address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The image's name does not follow the grammar `host[:port]/repository[:tag][@digest]`.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The configuration of the host forbids the image, and it has no mirror.
    #[error("{name}: blocked by the registry {prefix:?} in {}", path.display())]
    Blocked {
        /// The image.
        name: String,
        /// The prefix of the entry that forbids it.
        prefix: String,
        /// The file with that entry.
        path: PathBuf,
    },
    /// The threads that do the network's work could not be started.
    #[error("starting the network's worker thread")]
    Runtime {
        /// The operating system's answer.
        source: io::Error,
    },
    /// A credential, certificate or key file could not be read.
    #[error("reading {what} {}", path.display())]
    ReadFile {
        /// What the file is for, as in "credential file".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A credential, certificate or key file was read, but its content is not usable.
    #[error("{what} {}: {reason}", path.display())]
    BadFile {
        /// What the file is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it; never its content.
        reason: String,
    },
    /// A credential helper could not be run, or did not give credentials.
    #[error("credential helper docker-credential-{helper} for {host}: {reason}")]
    Helper {
        /// The helper's name without the common prefix.
        helper: String,
        /// The registry it was asked about.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The TLS settings for a registry cannot be used.
    #[error("TLS settings for {host}: {reason}")]
    Tls {
        /// The registry.
        host: String,
        /// What is wrong with them.
        reason: String,
    },
    /// What is wrong with the host's settings for one place, told as often as it is asked for.
    #[error(transparent)]
    Settings(Arc<RegistryError>),
    /// The connection could not be made, or broke.
    #[error("{place}: network failure{}", meant(source))]
    Network {
        /// What was being done.
        place: Arc<Place>,
        /// The HTTP client's error, its address removed.
        source: reqwest::Error,
    },
    /// Nothing moved for too long.
    #[error("{place}: no progress while {phase} for {} s", after.as_secs_f32())]
    TimedOut {
        /// What was being done.
        place: Arc<Place>,
        /// What was being waited for.
        phase: &'static str,
        /// The limit that was reached.
        after: Duration,
    },
    /// The registry (or the host it redirected to) refused with an HTTP status.
    #[error("{place}: HTTP status {status}{}{}", by(host.as_deref()), told(code, message))]
    Status {
        /// What was being done.
        place: Arc<Place>,
        /// The HTTP status code.
        status: u16,
        /// The first code of the registry's error envelope, as in `MANIFEST_UNKNOWN`; empty when there was none.
        code: String,
        /// The registry's own words; empty when there were none.
        message: String,
        /// The scheme and host that answered, where the registry had redirected to another one.
        host: Option<String>,
        /// How long it asks to wait before the next try (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// The registry asks for a longer wait than a user is left waiting.
    #[error("{place}: HTTP status {status}: the registry asks to come again in {} s", after.as_secs())]
    Busy {
        /// What was being done.
        place: Arc<Place>,
        /// The HTTP status code, 429 or 503.
        status: u16,
        /// The wait it asks for.
        after: Duration,
    },
    /// Every try failed for so long that no more are made.
    #[error("given up after {tries} tries in {} s without progress", after.as_secs())]
    GaveUp {
        /// How many tries there were since the last progress.
        tries: u32,
        /// How long they took together.
        after: Duration,
        /// What the last one came to, with the place.
        source: Box<RegistryError>,
    },
    /// A body was slower than the floor that was set.
    #[error("{place}: slower than {least} bytes a second for {} s", after.as_secs_f32())]
    TooSlow {
        /// What was being done.
        place: Arc<Place>,
        /// The floor, in bytes a second.
        least: u64,
        /// For how long it was slower, time that was not spent waiting for the network left out.
        after: Duration,
    },
    /// The connection broke in the middle of an upload, and the registry forgot what it had of it. Written once more from
    /// its first byte, the blob may well arrive.
    #[error("{place}: the connection broke, and the registry kept nothing of the upload")]
    UploadLost {
        /// What was being done.
        place: Arc<Place>,
    },
    /// As many bytes were fetched as may be. What came is kept where unfinished blobs are kept.
    #[error("{place}: stopped because the {limit} bytes that may be fetched have been fetched{}", hint(*limit))]
    BudgetSpent {
        /// What was being done.
        place: Arc<Place>,
        /// How many bytes of blobs may be fetched.
        limit: u64,
    },
    /// The registry does not know what it is asked for: no next try will change that.
    #[error("{place}: HTTP status {status}: the registry does not know this question")]
    Unknown {
        /// What was being done.
        place: Arc<Place>,
        /// The HTTP status code.
        status: u16,
    },
    /// The registry's token server gave no token.
    #[error("{place}: authentication at {server}: {reason}")]
    Token {
        /// What was being done.
        place: Arc<Place>,
        /// The token server's host.
        server: String,
        /// What it answered.
        reason: String,
        /// Its answer was none: what a wrong byte makes of one, or what stands in its way for a while.
        garbled: bool,
    },
    /// A redirect that is not followed.
    #[error("{place}: redirect to {target}: {reason}")]
    Redirect {
        /// What was being done.
        place: Arc<Place>,
        /// The scheme and host it pointed to.
        target: String,
        /// Why it is not followed.
        reason: &'static str,
    },
    /// The answer is a web page, not what a registry answers.
    #[error(
        "{place}: the answer is a page of type {content_type:?}, not a registry's; is a proxy or login page in between?"
    )]
    NotRegistry {
        /// What was being done.
        place: Arc<Place>,
        /// The content type of the answer.
        content_type: String,
    },
    /// The body came packed although it was asked for as it is.
    #[error("{place}: the answer is packed with {encoding:?}, which was not asked for")]
    Encoded {
        /// What was being done.
        place: Arc<Place>,
        /// The answer's `Content-Encoding`.
        encoding: String,
    },
    /// The answer breaks the distribution specification.
    #[error("{place}: {reason}")]
    Protocol {
        /// What was being done.
        place: Arc<Place>,
        /// What is wrong with it.
        reason: String,
    },
    /// The bytes are not the ones that were asked for or sent.
    #[error("{place}: expected digest {expected}, found {actual}")]
    DigestMismatch {
        /// What was being done.
        place: Arc<Place>,
        /// The digest that was asked for or sent.
        expected: Digest,
        /// The digest of what came or was stored.
        actual: Digest,
    },
    /// A manifest or blob is longer or shorter than its descriptor says.
    #[error("{place}: expected {expected} bytes, found {actual}")]
    SizeMismatch {
        /// What was being done.
        place: Arc<Place>,
        /// The size in the descriptor, in bytes.
        expected: u64,
        /// How many bytes there are; for content that is too long, how many had come when that was noticed.
        actual: u64,
    },
    /// An answer is larger than this crate reads.
    #[error("{place}: the answer is larger than {limit} bytes")]
    TooLarge {
        /// What was being done.
        place: Arc<Place>,
        /// The limit, in bytes.
        limit: u64,
    },
}

/// What a failure of the network means, where its own words do not say it.
fn meant(error: &reqwest::Error) -> &'static str {
    if speaks_no_tls(error) {
        return " (what answers there speaks no TLS; plain HTTP is for registries that registries.conf calls insecure, and \
                for --tls-verify=false)";
    }
    ""
}

/// Whether something else than TLS came where TLS was to begin.
fn speaks_no_tls(error: &(dyn Error + 'static)) -> bool {
    // An I/O error hides what it holds from `source`.
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source()) {
        Some(inner) => speaks_no_tls(inner),
        None => matches!(
            error.downcast_ref(),
            Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType))
        ),
    }
}

/// What to do about a budget of which the configuration and one block of a layer may not be left.
fn hint(limit: u64) -> &'static str {
    if limit < 2 * limits::BLOCK_BYTES { "; less than 2M at a time may get no further" } else { "" }
}

fn by(host: Option<&str>) -> String {
    host.map(|host| format!(" from {host}")).unwrap_or_default()
}

fn told(code: &str, message: &str) -> String {
    match (code.is_empty(), message.is_empty()) {
        (true, true) => String::new(),
        (false, true) => format!(": {code}"),
        (true, false) => format!(": {message}"),
        (false, false) => format!(": {code}: {message}"),
    }
}

impl RegistryError {
    /// A failed connection, with the address taken out: it may be signed.
    pub(crate) fn network(place: &Arc<Place>, source: reqwest::Error) -> Self {
        Self::Network { place: Arc::clone(place), source: source.without_url() }
    }

    /// The same failure, where the connection goes through `proxy`, which may be what fails.
    pub(crate) fn through(self, proxy: &str) -> Self {
        match self {
            Self::Network { place, source } => Self::Network { place: place.through(proxy), source },
            Self::TimedOut { place, phase, after } => Self::TimedOut { place: place.through(proxy), phase, after },
            other => other,
        }
    }

    /// An answer that breaks the specification.
    pub(crate) fn protocol(place: &Arc<Place>, reason: impl Into<String>) -> Self {
        Self::Protocol { place: Arc::clone(place), reason: reason.into() }
    }
}

impl From<RegistryError> for ImageError {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::DigestMismatch { place, expected, actual } => {
                Self::DigestMismatch { what: place.to_string(), expected, actual }
            }
            RegistryError::SizeMismatch { place, expected, actual } => {
                Self::SizeMismatch { what: place.to_string(), expected, actual }
            }
            RegistryError::Status { place, status: 404, code, host: None, .. } if !place.subject.is_empty() => {
                let code = if code.is_empty() { String::new() } else { format!(" ({code})") };
                Self::NotFound {
                    what: place.subject.clone(),
                    place: format!("{}/{}{code}", place.host, place.repository),
                }
            }
            RegistryError::UploadLost { place } => Self::Lost { what: place.to_string() },
            RegistryError::Name(InvalidName { text, reason }) => {
                Self::Invalid { what: format!("image name {text:?}"), reason }
            }
            other => Self::Transport { place: "registry".to_owned(), source: Box::new(other) },
        }
    }
}
