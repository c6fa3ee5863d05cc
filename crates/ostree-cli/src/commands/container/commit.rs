//! `commit`: the last step of a container build.

use std::path::Path;

use anyhow::Result;
use ostree_container::cleanup::{Variables, clean_container};

/// Empty /run, /tmp, /var/tmp and /var/cache at the end of a container build
#[derive(Debug, clap::Args)]
#[command(after_help = "Example, in a Containerfile:\n  RUN dnf -y install htop && ostree container commit")]
pub struct Args {}

/// Cleans the container this runs in, and prints nothing.
pub fn run(_: &Args) -> Result<()> {
    let variables = Variables {
        container: std::env::var_os("container").is_some(),
        service: std::env::var_os("INVOCATION_ID").is_some(),
    };
    Ok(clean_container(Path::new("/"), variables)?)
}
