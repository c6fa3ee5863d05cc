//! The empty repository that stands at the start of every layer.

use tar::EntryType;

use super::encode::{Head, TarOut};
use crate::error::TarError;
use crate::path::{REPO, REPO_CONFIG};

/// The directories of the repository after `objects`, in order.
const DIRS: [&str; 8] =
    ["extensions", "refs", "refs/heads", "refs/mirrors", "refs/remotes", "state", "tmp", "tmp/cache"];

/// Writes a directory that belongs to root, mode 0755.
pub(super) fn plain_dir(out: &mut TarOut<'_>, path: &str) -> Result<(), TarError> {
    out.head(&Head::plain(path, EntryType::Directory, 0o755, 0))
}

/// Writes a file that belongs to root, mode 0644.
pub(super) fn plain_file(out: &mut TarOut<'_>, path: &str, content: &[u8]) -> Result<(), TarError> {
    out.head(&Head::plain(path, EntryType::Regular, 0o644, content.len() as u64))?;
    out.bytes(content)
}

/// Writes the directories of the repository and its `config`, in the one order that all writers have.
pub(super) fn skeleton(out: &mut TarOut<'_>) -> Result<(), TarError> {
    let objects = format!("{REPO}/objects");
    for path in ["sysroot", "sysroot/ostree", REPO, &objects] {
        plain_dir(out, path)?;
    }
    for first in 0..=0xffu8 {
        plain_dir(out, &format!("{objects}/{first:02x}"))?;
    }
    for dir in DIRS {
        plain_dir(out, &format!("{REPO}/{dir}"))?;
    }
    plain_file(out, &format!("{REPO}/config"), REPO_CONFIG.as_bytes())
}
