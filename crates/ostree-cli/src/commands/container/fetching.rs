//! The options about how layers are fetched and written.

use std::num::NonZeroUsize;

use crate::progress::ProgressArgs;
use crate::transfer::AmountArgs;

/// How layers are fetched and written.
#[derive(Debug, Clone, clap::Args)]
pub struct FetchArgs {
    /// How many threads work at once (default: one a processor)
    #[arg(long, value_name = "N", overrides_with = "jobs")]
    pub jobs: Option<NonZeroUsize>,
    /// How many layers are fetched at a time (default: 8)
    #[arg(long, value_name = "N", overrides_with = "parallel_fetches")]
    pub parallel_fetches: Option<NonZeroUsize>,
    /// Begin even if the layers seem not to fit. Files that they share with what is stored take no space, which is not known
    /// beforehand
    #[arg(long, overrides_with = "skip_space_check")]
    pub skip_space_check: bool,
    /// How much is fetched
    #[command(flatten)]
    pub amount: AmountArgs,
    /// How progress is shown
    #[command(flatten)]
    pub progress: ProgressArgs,
}
