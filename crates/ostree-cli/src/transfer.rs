//! Options about the patience with registries, and about how much is fetched into a repository.

use std::path::PathBuf;
use std::time::Duration;

use oci_registry::{TransferOptions, clean_partials};
use ostree_container::space::clean_notes;
use ostree_repo::Repo;
use ostree_repo::config::MinFreeSpace;

use crate::args::byte_count;

/// Where unfinished blobs stay, in the repository; no cleaning of `tmp` touches its `cache`.
const PARTIALS: &str = "tmp/cache/blobs";

/// Options about transfers.
#[derive(Debug, Clone, clap::Args)]
pub struct TransferArgs {
    /// How long anything may stand still: connecting, an answer, a body, a storage that another program keeps locked
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30", overrides_with = "timeout")]
    timeout: Duration,
    /// How many tries without progress there are at least, in at least a minute; 0 tries once. Each may take --timeout, and
    /// the pause after it 15 seconds (60 where the server asks for them): N × (SECONDS + 15) until a registry that stays
    /// silent is given up
    #[arg(long, value_name = "N", default_value_t = 5, overrides_with = "retries")]
    retries: u32,
    /// Take a body that is slower for one that stands still, in bytes a second (suffixes K, M, G)
    #[arg(long, value_name = "BYTES", value_parser = byte_count, overrides_with = "min_rate")]
    min_rate: Option<u64>,
    /// Fetch and send no faster, in bytes a second (suffixes K, M, G)
    #[arg(long, value_name = "BYTES", value_parser = byte_count, overrides_with = "limit_rate")]
    limit_rate: Option<u64>,
}

/// Options about how much comes into a repository, for commands that go on in the next run with what came in this one.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AmountArgs {
    /// Stop with exit code 3 once so many bytes were fetched, and keep them in the repository: the same command goes on from
    /// there (suffixes K, M, G)
    #[arg(long, value_name = "BYTES", value_parser = byte_count, overrides_with = "max_bytes")]
    max_bytes: Option<u64>,
    /// How large all unfinished layers in the repository may be (default: 2G); 0 keeps none (suffixes K, M, G)
    #[arg(long, value_name = "SIZE", value_parser = byte_count, overrides_with = "partial_cache")]
    partial_cache: Option<u64>,
}

impl Default for TransferArgs {
    fn default() -> Self {
        let TransferOptions { retries, min_rate, limit_rate, .. } = TransferOptions::default();
        Self { timeout: Duration::from_secs(30), retries, min_rate, limit_rate }
    }
}

impl TransferArgs {
    /// How long anything may stand still.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The options they stand for.
    pub fn options(&self) -> TransferOptions {
        let default = TransferOptions::default();
        TransferOptions {
            retries: self.retries,
            persistence: if self.retries == 0 { Duration::ZERO } else { default.persistence },
            min_rate: self.min_rate,
            limit_rate: self.limit_rate,
            ..default
        }
    }
}

impl AmountArgs {
    /// The option that asks for something and makes no sense without a repository.
    pub fn given(&self) -> Option<&'static str> {
        let options = [("--max-bytes", self.max_bytes), ("--partial-cache", self.partial_cache)];
        options.into_iter().find_map(|(name, value)| value.map(|_| name))
    }

    /// Options for what is fetched into a repository, which keeps its unfinished blobs.
    pub fn options(&self, options: TransferOptions, repo: &Repo) -> TransferOptions {
        TransferOptions {
            max_bytes: self.max_bytes,
            partials: Some(partials(repo)),
            partial_cache: self.partial_cache.unwrap_or(options.partial_cache),
            partial_reserve: reserved(repo),
            ..options
        }
    }
}

/// Removes from a repository what interrupted pulls have left there for too long.
pub fn clean(repo: &Repo) {
    clean_partials(&partials(repo));
    clean_notes(repo);
}

fn partials(repo: &Repo) -> PathBuf {
    repo.path().join(PARTIALS)
}

/// How many bytes of its file system a repository leaves free.
fn reserved(repo: &Repo) -> u64 {
    match repo.config().min_free_space {
        MinFreeSpace::Size(mib) => mib.saturating_mul(1 << 20),
        MinFreeSpace::Percent(percent) => rustix::fs::statvfs(repo.path())
            .map_or(0, |stat| (stat.f_blocks / 100).saturating_mul(percent).saturating_mul(stat.f_frsize)),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    parsed
        .filter(|time| !time.is_zero() && *time < Duration::from_secs(1 << 32))
        .ok_or_else(|| "must be a number of seconds above 0".to_owned())
}
