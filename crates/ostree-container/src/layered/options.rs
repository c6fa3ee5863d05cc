//! How an image is pulled, and what came of it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use oci_image::Digest;
use oci_image::platform::Platform;
use ostree_core::{CommitId, VerifyCommit};
use ostree_repo::TransactionOptions;
use ostree_tar::layer::VarPlace;

use crate::layered::notes::Rules;
use oci_image::default_jobs;

/// How an image is pulled.
#[derive(Default)]
pub struct PullOptions<'a> {
    /// Which of several images is meant; this host's if not set.
    pub platform: Option<Platform>,
    /// Who must vouch for the commit that the image encapsulates; `None` takes any.
    pub verify: Option<&'a dyn VerifyCommit>,
    /// How many threads hash and write; one for each processor if not set.
    pub jobs: Option<NonZeroUsize>,
    /// How many layers are fetched at a time; eight if not set.
    pub parallel_fetches: Option<NonZeroUsize>,
    /// How objects are made durable.
    pub transaction: TransactionOptions,
    /// Where derived layers' `/var` goes.
    pub var: VarPlace,
    /// Leave out devices, FIFOs and overlay whiteout nodes, which are otherwise refused.
    pub skip_special: bool,
    /// Keep what is outside `/usr`, `/etc` and `/var`, whatever the base's `prepare-root.conf` says.
    pub all_paths: bool,
    /// Refuse images with entries that would be left out.
    pub deny_filtered: bool,
    /// Begin even if the layers cannot fit by what is known of them. They may share more with what is stored than is known.
    pub skip_space_check: bool,
    /// Keep the layers, but set no ref for the image.
    pub no_image_ref: bool,
}

impl PullOptions<'_> {
    /// How many threads work.
    pub(super) fn threads(&self) -> NonZeroUsize {
        self.jobs.unwrap_or_else(default_jobs)
    }

    /// The rules for derived layers.
    pub(super) fn rules(&self, all_paths: bool) -> Rules {
        let factory_var = self.var == VarPlace::Factory;
        Rules { factory_var, all_paths: all_paths || self.all_paths, skip_special: self.skip_special }
    }
}

/// A pulled image.
#[derive(Debug)]
pub struct Pulled {
    /// The merge commit.
    pub commit: CommitId,
    /// The digest of the image's manifest.
    pub digest: Digest,
    /// What was left out, by layer and name.
    pub filtered: BTreeMap<Digest, BTreeMap<String, u64>>,
    /// The paths that were left out or skipped, of layers read by this pull, as far as they were listed.
    pub filtered_paths: Vec<String>,
}
