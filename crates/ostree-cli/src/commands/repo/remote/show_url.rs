//! `remote show-url`: where a remote is.

use anyhow::{Result, bail};
use ostree_core::RemoteName;

use crate::commands::repo::remote::known;
use crate::context::Context;
use crate::output::line;

/// Show remote repository URL
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The remote
    #[arg(value_name = "NAME")]
    name: String,
}

/// Prints the URL.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let name: RemoteName = args.name.parse()?;
    let file = &repo.config().file;
    if !file.groups().contains(&known::group(&name).as_str()) {
        bail!("Remote \"{name}\" not found");
    }
    line(known::url(file, &name)?)
}
