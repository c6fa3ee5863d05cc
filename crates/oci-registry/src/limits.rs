//! Every bound on what a registry may make this crate read, hold or wait for, each with its reason.

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

/// The largest output of a credential helper, in bytes: one small JSON object.
pub(crate) const HELPER_BYTES: u64 = 256 << 10;

/// How long a credential helper may take. It may ask an identity service over the network, but not forever.
pub(crate) const HELPER_TIME: Duration = Duration::from_secs(60);

/// The largest certificate or key file, in bytes: a bundle of every public authority is about 250 KiB.
pub(crate) const CERTIFICATE_FILE_BYTES: u64 = 4 << 20;

/// How many redirects one request may go through. Real ones take one or two; more is a loop.
pub(crate) const REDIRECTS: usize = 8;

/// How many bytes of a blob wait between the network and its reader or writer. Enough for both to work at once.
pub(crate) const PIPE_BYTES: usize = 2 << 20;

/// The size of one piece of an upload whose digest is not known yet, in bytes, and the size up to which a blob is held
/// in memory and sent whole, so that it can be sent again. Two of them are held for each running upload.
pub(crate) const CHUNK_BYTES: usize = 8 << 20;

/// The largest piece a registry may ask for with `OCI-Chunk-Min-Length`, in bytes: it has to be held in memory.
pub(crate) const CHUNK_MAX_BYTES: usize = 64 << 20;

/// The size of one frame of a request body that is sent from memory, in bytes. Progress is noticed frame by frame.
pub(crate) const FRAME_BYTES: usize = 64 << 10;

/// How long connecting may take, and how long a connection may stand still, unless the caller says otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How many times longer than that a registry may take to answer once it has a whole blob or manifest: it hashes the
/// blob again and may copy it to another storage.
pub(crate) const FINISH_FACTOR: u32 = 10;

/// How long the cancelling of an abandoned upload may take. It is a courtesy, registries expire uploads themselves.
pub(crate) const CANCEL_TIME: Duration = Duration::from_secs(5);

/// The life of a token whose server does not say it (the token specification's default and minimum).
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(60);

/// How long before its end a token is renewed, so that it does not end on its way.
pub(crate) const TOKEN_LEEWAY: Duration = Duration::from_secs(10);
