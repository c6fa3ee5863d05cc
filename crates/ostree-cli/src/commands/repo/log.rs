//! `log`: the history of a commit.

use std::io::Write;

use anyhow::Result;
use ostree_core::{Commit, ReadObject, StoreError};
use ostree_repo::refs;

use crate::commands::repo::log_block::{self, Style};
use crate::context::Context;
use crate::output::Output;

/// Show log starting at commit or ref
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show raw variant data
    #[arg(long)]
    raw: bool,
    /// The commit to start at
    #[arg(value_name = "REV")]
    rev: String,
}

/// Prints the commit and its ancestors, newest first, as far as they are there.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let first = refs::resolve(&repo, &args.rev)?;
    let mut out = Output::stdout();
    let mut next = Some(first);
    while let Some(id) = next {
        let Some(bytes) = repo.read_metadata(&id.object())? else {
            if id == first {
                return Err(StoreError::Missing { name: id.object() }.into());
            }
            writeln!(out, "<< History beyond this commit not fetched >>")?;
            break;
        };
        log_block::print(&mut out, &id, &bytes, Style { raw: args.raw, no_byteswap: false })?;
        next = Commit::decode(&bytes)?.parent;
    }
    Ok(out.flush()?)
}
