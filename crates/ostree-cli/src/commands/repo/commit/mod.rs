//! `commit`: trees become a commit.

mod archives;
mod args;
mod labels;
mod metadata;
mod policy_commit;
mod policy_dir;
mod root;
mod sizes;
mod tables;
mod trees;

use std::io::Write;

use anyhow::{Context as _, Result, bail};
use ostree_core::walk::load_commit;
use ostree_core::{CommitId, Refspec};
use ostree_repo::commit::{CommitParams, write_commit};
use ostree_repo::{Repo, TransactionOptions, TransactionStats, refs};

pub use args::Args;
pub use tables::skip_list;

use crate::commands::repo::signing;
use crate::context::Context;
use crate::date;
use crate::output::{Output, line};

/// Makes the commit and lets the branch point to it.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    args.check()?;
    let repo = context.open_writable()?;
    if args.branch.is_none() && !args.orphan {
        bail!("A branch must be specified with --branch, or use --orphan");
    }
    let branch = args.branch.as_deref().map(str::parse::<Refspec>).transpose()?;
    let mut modifier = tables::modifier(args)?.for_repo(&repo);
    modifier.labeler = labels::labeler(args, &repo)?;
    let parent = parent(args, &repo)?;
    let base = metadata::Base::collect(args, &repo, parent.as_ref())?;
    let timestamp = timestamp(args)?;
    let body = body(args)?;

    let fsync = if args.disable_fsync { Some(false) } else { args.fsync };
    let transaction = repo.transaction(TransactionOptions { fsync, per_object_fsync: None })?;
    let (root, consumed) = trees::write(args, &transaction, &modifier)?;
    tables::check_matched(args, &modifier)?;
    if let Some(parent) = parent.filter(|_| args.skip_if_unchanged) {
        let old = load_commit(&repo, &parent)?;
        if (old.root_tree, old.root_meta) == root {
            return print(args, &parent, &transaction.stats());
        }
    }
    let params = CommitParams {
        metadata: base.finish(args, &transaction, root)?,
        detached: metadata::detached(args)?,
        parent,
        subject: args.subject.clone().unwrap_or_default(),
        body,
        timestamp,
    };
    let id = write_commit(&transaction, root, params)?;
    signing::sign_new(&transaction, &id, &args.signing)?;
    if let Some(branch) = branch {
        transaction.set_ref(branch, Some(id));
    }
    let stats = transaction.commit()?;
    for path in consumed {
        ostree_repo::commit::remove_consumed(&path)?;
    }
    print(args, &id, &stats)
}

fn parent(args: &Args, repo: &Repo) -> Result<Option<CommitId>> {
    match (&args.parent, &args.branch) {
        (Some(none), _) if none == "none" => Ok(None),
        (Some(checksum), _) => Ok(Some(checksum.parse()?)),
        (None, Some(branch)) if !args.orphan => match refs::resolve(repo, branch) {
            Ok(id) => Ok(Some(id)),
            Err(ostree_repo::RepoError::RefNotFound(_)) => Ok(None),
            Err(other) => Err(other.into()),
        },
        _ => Ok(None),
    }
}

fn body(args: &Args) -> Result<String> {
    match &args.body_file {
        Some(path) => std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display())),
        None => Ok(args.body.clone().unwrap_or_default()),
    }
}

/// `--timestamp`, else `SOURCE_DATE_EPOCH`, else now.
fn timestamp(args: &Args) -> Result<u64> {
    if let Some(text) = &args.timestamp {
        // Times before 1970 wrap around, as in the reference program.
        return Ok(date::parse(text)?.cast_unsigned());
    }
    date::now()
}

fn print(args: &Args, id: &CommitId, stats: &TransactionStats) -> Result<()> {
    if !args.table_output {
        return line(id);
    }
    let mut out = Output::stdout();
    writeln!(out, "Commit: {id}")?;
    writeln!(out, "Metadata Total: {}", stats.metadata_total)?;
    writeln!(out, "Metadata Written: {}", stats.metadata_written)?;
    writeln!(out, "Content Total: {}", stats.content_total)?;
    writeln!(out, "Content Written: {}", stats.content_written)?;
    writeln!(out, "Content Cache Hits: {}", stats.content_cache_hits)?;
    writeln!(out, "Content Bytes Written: {}", stats.content_bytes_written)?;
    Ok(out.flush()?)
}
