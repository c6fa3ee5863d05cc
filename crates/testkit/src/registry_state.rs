//! What the loopback registry holds, and how it is to misbehave.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::registry_faults::Fault;

/// How the registry asks who is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    #[default]
    Open,
    /// User name and password with every request.
    Basic {
        /// The user name.
        user: String,
        /// The password.
        password: String,
    },
    /// A token from its own `/token`.
    Token {
        /// The user name and password a token is given for; `None` gives one to everybody.
        login: Option<(String, String)>,
        /// An identity token for which a token is given too.
        identity: Option<String>,
        /// For how many requests a token is good.
        uses: usize,
    },
}

/// What the registry does wrong, or differently. The default is a good registry.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// How it asks who is there.
    pub auth: Auth,
    /// Answers 401 to every request, whatever it carries.
    pub refuse_all: bool,
    /// Answers so many requests with 503 first.
    pub fail_first: usize,
    /// Answers every request for a manifest or blob with a web page and status 200.
    pub page: bool,
    /// Changes the first byte of every blob and manifest it gives.
    pub wrong_bytes: bool,
    /// Says a wrong `Docker-Content-Digest`.
    pub wrong_digest: bool,
    /// Closes the connection in the middle of a blob.
    pub cut: bool,
    /// Stops in the middle of a blob and keeps the connection.
    pub stall: bool,
    /// Gives blobs without stating their length.
    pub no_length: bool,
    /// Appends so many bytes to every blob (a negative number takes bytes away).
    pub extra: i64,
    /// Gives a manifest of so many bytes.
    pub huge_manifest: Option<usize>,
    /// Redirects requests for blobs to the same path at this `http://host:port`.
    pub blobs_at: Option<String>,
    /// Sends uploads to the same path at this `http://host:port`.
    pub uploads_at: Option<String>,
    /// Gives relative locations.
    pub relative: bool,
    /// Answers a mount with an ordinary upload.
    pub refuse_mount: bool,
    /// Takes blobs in pieces only: no body with the request that ends an upload.
    pub pieces_only: bool,
    /// Says the smallest piece it takes, in bytes.
    pub min_piece: Option<usize>,
    /// What goes wrong with single answers; the first that fits happens.
    pub faults: Vec<Fault>,
    /// How long every answer takes to begin.
    pub delay: Duration,
    /// How many bytes a second a body is given with.
    pub rate: Option<u64>,
    /// Until when every connection is closed without a word.
    pub away_until: Option<Instant>,
    /// Forgets uploads whose connection broke.
    pub forgets_uploads: bool,
    /// Refuses requests with this signature, as storages do once it has expired.
    pub expired: Option<String>,
}

/// A request the registry has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path and query.
    pub target: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The length of its body, in bytes.
    pub length: usize,
    /// The `Range` header.
    pub range: Option<String>,
    /// How many bytes of the answer's body were given.
    pub given: u64,
}

/// What the registry holds and knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) behaviour: Behaviour,
    /// Blobs by repository and digest.
    pub(crate) blobs: BTreeMap<(String, String), Vec<u8>>,
    /// Manifests (media type and bytes) by repository and tag or digest.
    pub(crate) manifests: BTreeMap<(String, String), (String, Vec<u8>)>,
    /// Open uploads by number.
    pub(crate) uploads: BTreeMap<usize, Vec<u8>>,
    /// Every token given out, and for how many more requests it is good.
    pub(crate) tokens: BTreeMap<String, usize>,
    pub(crate) counter: usize,
    pub(crate) seen: Vec<Seen>,
}
