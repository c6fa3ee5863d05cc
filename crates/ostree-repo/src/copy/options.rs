//! What a copy is asked to do, and what it did.

use std::fmt;
use std::num::NonZeroUsize;

use ostree_core::{RemoteName, VerifyCommit};

use crate::size::format_size;

/// How [`pull_local`](crate::copy::pull_local) works.
#[derive(Clone, Copy)]
pub struct CopyOptions<'a> {
    /// Write `refs/remotes/REMOTE/REF` rather than `refs/heads/REF` (`--remote`).
    pub remote: Option<&'a RemoteName>,
    /// How many parents of each commit come along, as far as the source has them; all where `None`. The default is none,
    /// `Some(0)` (`--depth`).
    pub depth: Option<u64>,
    /// Copy commits and their detached metadata alone, and leave the commits marked as partial
    /// (`--commit-metadata-only`).
    pub commit_metadata_only: bool,
    /// Verify every object against its name, also those that need not be read otherwise (`--untrusted`).
    pub untrusted: bool,
    /// Whether anything is synced; as the configuration says where `None` (`--disable-fsync`).
    pub fsync: Option<bool>,
    /// Whether each object is synced by itself; as the configuration says where `None` (`--per-object-fsync`).
    pub per_object_fsync: Option<bool>,
    /// Take commits also under refs they were not made for (`--disable-verify-bindings`).
    pub disable_verify_bindings: bool,
    /// Refuse files whose mode has bits outside of 0775, which mode `bare-user-only` could not keep
    /// (`--bareuseronly-files`).
    pub bareuseronly_files: bool,
    /// Asked about every commit before anything of it is written.
    pub verifier: Option<&'a dyn VerifyCommit>,
    /// How many threads copy objects; one per processor where `None`.
    pub jobs: Option<NonZeroUsize>,
}

impl Default for CopyOptions<'_> {
    fn default() -> Self {
        Self {
            remote: None,
            depth: Some(0),
            commit_metadata_only: false,
            untrusted: false,
            fsync: None,
            per_object_fsync: None,
            disable_verify_bindings: false,
            bareuseronly_files: false,
            verifier: None,
            jobs: None,
        }
    }
}

impl fmt::Debug for CopyOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyOptions")
            .field("remote", &self.remote)
            .field("depth", &self.depth)
            .field("commit_metadata_only", &self.commit_metadata_only)
            .field("untrusted", &self.untrusted)
            .field("bareuseronly_files", &self.bareuseronly_files)
            .finish_non_exhaustive()
    }
}

/// What a copy did, so far or in the end. `Display` gives the line that the reference program prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CopyStats {
    /// Metadata objects that were not there before; detached metadata is not counted.
    pub metadata: u64,
    /// File objects that were not there before.
    pub content: u64,
    /// The uncompressed size in bytes of the files that were written rather than linked.
    pub content_bytes_written: u64,
}

impl fmt::Display for CopyStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = format_size(self.content_bytes_written);
        write!(f, "{} metadata, {} content objects imported; {written} content written", self.metadata, self.content)
    }
}
