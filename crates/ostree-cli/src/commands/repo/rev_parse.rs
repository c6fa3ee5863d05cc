//! `rev-parse`: which commits revisions name.

use std::io::Write;

use anyhow::{Result, bail};
use ostree_repo::{list, refs};

use crate::context::Context;
use crate::output::{Output, line};

/// Output the target of a rev
#[derive(Debug, clap::Args)]
pub struct Args {
    /// If the repository has exactly one commit, then print it; any other case will result in an error
    #[arg(short = 'S', long)]
    single: bool,
    /// The revisions
    #[arg(value_name = "REV", required_unless_present = "single")]
    revs: Vec<String>,
}

/// Prints one checksum a line.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    if args.single {
        return match list::commits(&repo)?.as_slice() {
            [only] => line(only),
            [] => bail!("No commit objects found"),
            _ => bail!("Multiple commit objects found"),
        };
    }
    let mut out = Output::stdout();
    for rev in &args.revs {
        writeln!(out, "{}", refs::resolve(&repo, rev)?)?;
    }
    Ok(out.flush()?)
}
