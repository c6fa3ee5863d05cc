//! Every bound this crate puts on foreign input, with its reason.

use std::time::Duration;

/// Bytes of `images.json` or `layers.json`. A layer takes about one KiB, so this is room for a hundred thousand.
pub const MAX_RECORDS: u64 = 128 * 1024 * 1024;

/// Bytes of a `storage.conf`. Real ones have some ten KiB, most of it comments.
pub const MAX_CONF: u64 = 1024 * 1024;

/// Bytes of one line of tar-split data. A line holds what stands between the contents of two files: headers, whose extended
/// records are some MiB at most, or the padding behind the end of the archive.
pub const MAX_TAR_SPLIT_LINE: u64 = 32 * 1024 * 1024;

/// How long another program may keep the storage locked, where nobody says otherwise: as long as anything else may stand
/// still.
pub const LOCK_WAIT: Duration = Duration::from_secs(30);

/// Bytes of all signatures that are kept with an image for one manifest: real ones have a few KiB each.
pub const MAX_SIGNATURES: u64 = 16 * 1024 * 1024;

/// Bytes of `/etc/passwd`, `/etc/subuid` and `/etc/subgid` that are looked at. A line takes about fifty, so this is room for
/// a hundred thousand users.
pub const MAX_USERS: u64 = 8 * 1024 * 1024;

/// Bytes of a path in a request to the helper; the kernel takes no longer one.
pub const MAX_PATH: usize = 4096;
