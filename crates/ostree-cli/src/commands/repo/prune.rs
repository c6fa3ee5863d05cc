//! `prune`: delete what nothing needs.

use anyhow::{Context as _, Result, bail};
use ostree_core::Refspec;
use ostree_repo::prune::{PruneOptions, Retention, prune};
use ostree_repo::refs;

use crate::context::Context;
use crate::date;
use crate::output::line;
use crate::transfer;

/// Search for unreachable objects
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only display unreachable objects; don't delete
    #[arg(long)]
    no_prune: bool,
    /// Only compute reachability via refs
    #[arg(long)]
    refs_only: bool,
    /// Only traverse DEPTH parents for each commit (default: -1=infinite)
    #[arg(long, value_name = "DEPTH", allow_negative_numbers = true, overrides_with = "depth")]
    depth: Option<i64>,
    /// Specify a commit to delete
    #[arg(long, value_name = "COMMIT", overrides_with = "delete_commit")]
    delete_commit: Option<String>,
    /// Prune all commits older than the specified date
    #[arg(long, value_name = "DATE", overrides_with = "keep_younger_than")]
    keep_younger_than: Option<String>,
    /// Change the behavior of delete-commit and keep-younger-than to prune only static deltas
    #[arg(long)]
    static_deltas_only: bool,
    /// Additionally retain BRANCH=DEPTH commits
    #[arg(long, value_name = "BRANCH=DEPTH")]
    retain_branch_depth: Vec<String>,
    /// Only prune BRANCH (may be specified multiple times)
    #[arg(long, value_name = "BRANCH")]
    only_branch: Vec<String>,
    /// Only traverse and delete commit objects
    #[arg(long)]
    commit_only: bool,
}

/// Deletes, and tells how much.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let delete_commit = args.delete_commit.as_deref().map(|rev| refs::resolve(&repo, rev)).transpose()?;
    let only_branches = args.only_branch.iter().map(|name| name.parse::<Refspec>());
    let retention = Retention {
        keep_younger_than: args.keep_younger_than.as_deref().map(younger_than).transpose()?,
        branch_depth: args.retain_branch_depth.iter().map(|text| branch_depth(text)).collect::<Result<_>>()?,
        only_branches: only_branches.collect::<Result<_, _>>()?,
    };
    let options = PruneOptions {
        refs_only: args.refs_only,
        depth: depth(args.depth.unwrap_or(-1)),
        retention,
        dry_run: args.no_prune,
        commit_only: args.commit_only,
        delete_commit,
        static_deltas_only: args.static_deltas_only,
        ..PruneOptions::default()
    };
    if !args.no_prune {
        transfer::clean(&repo);
    }
    line(prune(&repo, &options)?)
}

/// Negative is without end.
fn depth(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}

fn younger_than(text: &str) -> Result<u64> {
    match u64::try_from(date::parse(text)?) {
        Ok(seconds) => Ok(seconds),
        Err(_) => bail!("Could not parse '{text}'"),
    }
}

fn branch_depth(text: &str) -> Result<(Refspec, Option<u64>)> {
    let refuse = || format!("Invalid value {text}, must specify BRANCH=DEPTH");
    let (branch, number) = text.split_once('=').with_context(refuse)?;
    let number = number.parse::<i64>().ok().with_context(refuse)?;
    Ok((branch.parse()?, depth(number)))
}
