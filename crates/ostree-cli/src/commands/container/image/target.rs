//! Which image a command is about, in which repository, and how it is reached.

use anyhow::Result;
use ostree_container::ContainerError;

use crate::commands::container::platform::PlatformArgs;
use crate::context::Context;
use crate::exit::{message, warn};
use crate::image_word::{help, require_scheme};
use crate::images::{RegistryArgs, SourceReference};
use crate::short_names;

/// An image that may be pulled into a repository.
#[derive(Debug, clap::Args)]
pub struct Target {
    /// The repository, unless --repo names it, and the image
    #[arg(long_help = help("The repository, unless --repo names it, and the image"), value_name = "[REPO] IMGREF", num_args = 1..=2, required = true)]
    words: Vec<String>,
    /// How the registry is reached
    #[command(flatten)]
    pub registry: RegistryArgs,
    /// Which image of an index is meant
    #[command(flatten)]
    pub platform: PlatformArgs,
}

impl Target {
    /// The context with the repository that was named before the image.
    pub fn context(&self, context: &Context) -> Context {
        match self.words.as_slice() {
            [repo, _, ..] => Context { repo: Some(repo.into()), ..context.clone() },
            _ => context.clone(),
        }
    }

    /// The word for the image.
    pub fn image_word(&self) -> &str {
        self.words.last().map_or("", String::as_str)
    }

    /// The image: named in full, or where short names are looked up, by a name alone.
    pub fn image(&self, context: &Context) -> Result<SourceReference> {
        if !context.short_names {
            require_scheme(self.image_word(), "IMGREF")?;
        }
        short_names::to_read(self.image_word(), &self.registry, context)
    }
}

/// Tells why the stored image counts as absent.
pub fn absent(problem: ContainerError) {
    warn(&format!("failed to query the stored image, which counts as absent: {}", message(&problem.into())));
}
