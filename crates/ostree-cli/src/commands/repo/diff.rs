//! `diff`: what differs between two trees.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use ostree_repo::diff::{DiffOptions, DiffSide, diff, stats};
use ostree_repo::{Repo, format_size, refs};

use crate::context::Context;
use crate::output::Output;

/// Compare directory TARGETDIR against revision REV
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print various statistics
    #[arg(long)]
    stats: bool,
    /// Print filesystem diff
    #[arg(long)]
    fs_diff: bool,
    /// Skip output of extended attributes
    #[arg(long)]
    no_xattrs: bool,
    /// Use file ownership user id for local files
    #[arg(long, value_name = "UID", overrides_with = "owner_uid")]
    owner_uid: Option<u32>,
    /// Use file ownership group id for local files
    #[arg(long, value_name = "GID", overrides_with = "owner_gid")]
    owner_gid: Option<u32>,
    /// A commit, or a directory that starts with / or ./
    #[arg(value_name = "REV_OR_DIR")]
    first: String,
    /// What to compare it with (default: the first and its parent are compared)
    #[arg(value_name = "REV_OR_DIR")]
    second: Option<String>,
}

/// Prints the differences, one a line.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let (a, b) = match &args.second {
        Some(second) => (args.first.clone(), second.clone()),
        None => (format!("{}^", args.first), args.first.clone()),
    };
    let mut out = Output::stdout();
    if args.fs_diff || !args.stats {
        print_diff(args, &repo, (&a, &b), &mut out)?;
    }
    if args.stats {
        if is_dir(&a) || is_dir(&b) {
            bail!("--stats requires two commits");
        }
        let stats = stats(&repo, &refs::resolve(&repo, &a)?, &refs::resolve(&repo, &b)?)?;
        writeln!(out, "[A] Object Count: {}", stats.objects_a)?;
        writeln!(out, "[B] Object Count: {}", stats.objects_b)?;
        writeln!(out, "Common Object Count: {}", stats.common)?;
        writeln!(out, "Common Object Size: {}", format_size(stats.common_bytes))?;
    }
    Ok(out.flush()?)
}

fn print_diff(args: &Args, repo: &Repo, (a, b): (&str, &str), out: &mut Output) -> Result<()> {
    let options = DiffOptions { no_xattrs: args.no_xattrs, owner_uid: args.owner_uid, owner_gid: args.owner_gid };
    let found = diff(repo, &side(repo, a)?, &side(repo, b)?, &options)?;
    for (letter, paths) in [('M', found.modified), ('D', found.removed), ('A', found.added)] {
        print_paths(out, letter, &paths)?;
    }
    Ok(())
}

fn print_paths(out: &mut Output, letter: char, paths: &[PathBuf]) -> Result<()> {
    for path in paths {
        writeln!(out, "{letter}    {}", path.display())?;
    }
    Ok(())
}

fn is_dir(text: &str) -> bool {
    text.starts_with('/') || text.starts_with("./")
}

fn side<'a>(repo: &Repo, text: &'a str) -> Result<DiffSide<'a>> {
    Ok(match is_dir(text) {
        true => DiffSide::Dir(Path::new(text)),
        false => DiffSide::Commit(refs::resolve(repo, text)?),
    })
}
