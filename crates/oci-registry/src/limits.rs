//! Every bound on what a registry may make this crate read, hold or wait for, each with its reason.

use std::num::NonZeroUsize;
use std::time::Duration;

/// The largest manifest or index, in bytes. The distribution specification asks registries to accept at least 4 MiB, and
/// the common clients read no more.
pub(crate) const MANIFEST_BYTES: u64 = 4 << 20;

/// The most of an error answer that is read, in bytes: an error envelope is a few hundred bytes, the rest is a proxy's page.
pub(crate) const ERROR_BYTES: u64 = 64 << 10;

/// The most of a registry's own words that is shown in a message, in characters.
pub(crate) const SHOWN_CHARS: usize = 400;

/// The largest answer of a token server, in bytes. Real tokens with many scopes reach tens of kilobytes.
pub(crate) const TOKEN_BYTES: u64 = 1 << 20;

/// The largest credential file, in bytes: thousands of entries fit.
pub(crate) const CREDENTIAL_FILE_BYTES: u64 = 4 << 20;

/// The largest `registries.conf` file, in bytes: the longest known list of aliases has 10 KiB.
pub(crate) const REGISTRIES_FILE_BYTES: u64 = 1 << 20;

/// The largest output of a credential helper, in bytes: one small JSON object.
pub(crate) const HELPER_BYTES: u64 = 256 << 10;

/// How long a credential helper may take. It may ask an identity service over the network, but not forever.
pub(crate) const HELPER_TIME: Duration = Duration::from_secs(60);

/// How often it is looked at whether a credential helper that has answered is gone.
pub(crate) const HELPER_PAUSE: Duration = Duration::from_millis(2);

/// The largest certificate or key file, in bytes: a bundle of every public authority is about 250 KiB.
pub(crate) const CERTIFICATE_FILE_BYTES: u64 = 4 << 20;

/// How many redirects one request may go through. Real ones take one or two; more is a loop.
pub(crate) const REDIRECTS: usize = 8;

/// How many bytes a second a manifest or a token must have at least: a slow line has a hundred times that, and the largest
/// manifest could else drip in for years.
pub(crate) const SMALL_RATE: u64 = 64;

/// How many bytes of a blob wait between the network and its reader or writer. Enough for both to work at once, beside what
/// the HTTP client holds; several blobs are on their way at a time.
pub(crate) const PIPE_BYTES: usize = 512 << 10;

/// The size of one piece of an upload whose digest is not known yet, in bytes, and the size up to which a blob is held
/// in memory and sent whole, so that it can be sent again. Some registries take no pieces below 5 MiB, nor such that are no
/// multiple of 256 KiB.
pub(crate) const CHUNK_BYTES: usize = 6 << 20;

/// How many blobs are written to a registry at the same time: enough to go on where one connection waits, and few enough
/// for memory, since each fills a piece of [`CHUNK_BYTES`] while others are on their way.
pub(crate) const BLOBS_AT_ONCE: NonZeroUsize = NonZeroUsize::new(3).expect("three is not zero");

/// The largest piece a registry may ask for with `OCI-Chunk-Min-Length`, in bytes: it has to be held in memory.
pub(crate) const CHUNK_MAX_BYTES: usize = 64 << 20;

/// The size of one frame of a request body that is sent from memory, in bytes. Progress is noticed frame by frame.
pub(crate) const FRAME_BYTES: usize = 64 << 10;

/// How long connecting may take, and how long a connection may stand still, unless the caller says otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How many times longer than that a registry may take to answer once it has a whole blob or manifest: it hashes the
/// blob again and may copy it to another storage.
pub(crate) const FINISH_FACTOR: u32 = 10;

/// How often a registry is asked to take a blob over from another repository. A second time, since that saves all of its
/// bytes; no more, since they can be sent.
pub(crate) const MOUNT_TRIES: u32 = 2;

/// How long the cancelling of an abandoned upload may take. It is a courtesy, registries expire uploads themselves.
pub(crate) const CANCEL_TIME: Duration = Duration::from_secs(5);

/// The life of a token whose server does not say it (the token specification's default and minimum).
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(60);

/// How long before its end a token is renewed, so that it does not end on its way.
pub(crate) const TOKEN_LEEWAY: Duration = Duration::from_secs(10);

/// How many tries without progress there are at least, unless the caller says otherwise.
pub(crate) const TRIES: u32 = 5;

/// For how long an operation is tried at least without progress: a server that is started again takes tens of seconds.
pub(crate) const PERSISTENCE: Duration = Duration::from_secs(60);

/// The first pause between tries is this part of the persistence (about a second of a minute); it doubles each time.
pub(crate) const FIRST_PAUSE: u32 = 64;

/// The longest pause between tries is this part of the persistence (15 s of a minute).
pub(crate) const LONGEST_PAUSE: u32 = 4;

/// The longest wait a server may ask for with `Retry-After`. More is told to the user, who has better things to do.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(60);

/// How often something is asked for whose bytes came whole and wrong, or over TLS that is not understood: a wrong byte
/// goes away, another content and another protocol stay.
pub(crate) const DOUBTFUL_TRIES: u32 = 3;

/// How many bytes of a blob are held back until its digest is known to be right. Most configs and small layers fit, so
/// that a wrong byte in them is repaired unnoticed.
pub(crate) const HELD_BYTES: u64 = 1 << 20;

/// The size in bytes of what a partial blob is verified by, and so the most of it that is fetched again. A budget of fewer
/// bytes brings nothing further that has more.
pub(crate) const BLOCK_BYTES: u64 = 1 << 20;

/// What part of the budget that is left one request may take: so that ten requests are enough for a large budget, and a
/// blob that has to wait for its reader leaves most of it to the others.
pub(crate) const BUDGET_SHARE: u64 = 8;

/// How long nothing may come to those who still may fetch before a spent budget ends the run.
pub(crate) const BUDGET_PAUSE: Duration = Duration::from_secs(1);

/// The size of all partial blobs, in bytes, unless the caller says otherwise.
pub(crate) const PARTIAL_CACHE_BYTES: u64 = 2 << 30;

/// How many bytes stay free beside what is known to be written: what is on its way between the network and the objects.
/// Below a quarter of it, what is kept gives way.
pub(crate) const PARTIAL_MARGIN: u64 = 16 << 20;

/// How long a partial blob is kept. A week covers the usual times between updates.
pub(crate) const PARTIAL_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// How many times longer than anything may stand still someone else who fetches the same blob may, before it is fetched
/// here too: he recovers from one standstill.
pub(crate) const FOLLOW_FACTOR: u32 = 2;

/// How often someone else's progress with the same blob is looked at.
pub(crate) const FOLLOW_PAUSE: Duration = Duration::from_millis(50);

/// How long the end of a stream is waited for whose last byte came: it is there, or the stream is cancelled.
pub(crate) const DRAIN_TIME: Duration = Duration::from_millis(50);

/// How many bytes of one HTTP/2 stream may be on their way: enough for 100 Mbit/s at 80 ms.
pub(crate) const STREAM_WINDOW: u32 = 1 << 20;

/// How many bytes of one HTTP/2 connection may be on their way: every stream of the most that are open at once.
pub(crate) const CONNECTION_WINDOW: u32 = 64 << 20;

/// How many of the last bytes of a streamed upload are held, to be sent again after a break: more than lies in the
/// buffers between this program and what the registry has stored.
pub(crate) const REPLAY_BYTES: u64 = 16 << 20;

/// How many bytes of small blobs and of pieces may be on their way while the next ones are being made.
pub(crate) const BEHIND_BYTES: usize = BLOBS_AT_ONCE.get() * CHUNK_BYTES;

/// How many small blobs may be on their way: as many as are fetched at a time.
pub(crate) const BEHIND_UPLOADS: usize = 8;

/// How many blobs a registry is asked for, or asked to mount, at a time: as many as are sent.
pub(crate) const ASKED_AT_ONCE: NonZeroUsize = NonZeroUsize::new(BEHIND_UPLOADS).expect("eight is not zero");

/// How far ahead of plain HTTP a try with TLS is, where both may be: long enough for registries nearby to have answered.
pub(crate) const TLS_AHEAD: Duration = Duration::from_millis(25);
