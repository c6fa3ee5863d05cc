//! The option about the space that an image takes.

/// Whether an image must fit before it is fetched.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SpaceArgs {
    /// Begin even if the layers seem not to fit. Files that they share with what is stored take no space, which is not known
    /// beforehand
    #[arg(long, overrides_with = "skip_space_check")]
    pub skip_space_check: bool,
}
