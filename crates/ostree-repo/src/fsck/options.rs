//! What `fsck` is asked to do.

use std::num::NonZeroUsize;

/// What [`fsck`](crate::fsck::fsck()) does besides looking.
#[derive(Debug, Clone, Default)]
pub struct FsckOptions {
    /// Go on after a damaged object (`--all`). Missing ones never end it.
    pub all: bool,
    /// Remove damaged objects and mark the commits that need them as partial (`--delete`); goes on as well.
    pub delete: bool,
    /// Write tombstones for commits whose parent is missing (`--add-tombstones`).
    pub add_tombstones: bool,
    /// Refuse refs that the commit they point to was not made for (`--verify-bindings`).
    pub verify_bindings: bool,
    /// Refuse commits made for a ref that points elsewhere (`--verify-back-refs`); does `verify_bindings` as well.
    pub verify_back_refs: bool,
    /// How many threads hash files; one per processor where `None`.
    pub jobs: Option<NonZeroUsize>,
}
