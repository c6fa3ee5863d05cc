//! `remote delete`: forget a remote.

use std::path::PathBuf;

use anyhow::{Result, bail};
use ostree_core::RemoteName;

use crate::commands::repo::remote::known;
use crate::context::Context;

/// Delete a remote repository
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do nothing if the provided remote does not exist
    #[arg(long)]
    if_exists: bool,
    /// Use sysroot at PATH (overrides --repo)
    #[arg(long, value_name = "PATH", overrides_with = "sysroot")]
    sysroot: Option<PathBuf>,
    /// The remote
    #[arg(value_name = "NAME")]
    name: String,
}

/// Removes the remote's group of `config`; its refs stay.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = known::open(context, args.sysroot.as_ref())?;
    let name: RemoteName = args.name.parse()?;
    let mut file = repo.config().file.clone();
    if !file.remove_group(&known::group(&name)) {
        if args.if_exists {
            return Ok(());
        }
        bail!("Remote \"{name}\" not found");
    }
    Ok(repo.write_config(&file)?)
}
