//! `refs`: list, create and delete refs and aliases.

use std::io::Write;

use anyhow::{Result, bail};
use ostree_core::{CommitId, RefName, Refspec};
use ostree_repo::refs::RefTarget;
use ostree_repo::{Repo, refs};

use crate::context::Context;
use crate::output::Output;

/// List refs
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Delete refs which match PREFIX, rather than listing them
    #[arg(long)]
    delete: bool,
    /// Do not remove the prefix from the refs
    #[arg(long)]
    list: bool,
    /// Show the commit of each ref
    #[arg(short, long)]
    revision: bool,
    /// If used with --create, create an alias, otherwise just list aliases
    #[arg(short = 'A', long)]
    alias: bool,
    /// Create a new ref for an existing commit
    #[arg(long, value_name = "NEWREF", overrides_with = "create")]
    create: Option<String>,
    /// Enable listing collection IDs for refs
    #[arg(short, long)]
    collections: bool,
    /// Overwrite existing refs when creating
    #[arg(long)]
    force: bool,
    /// Prefixes to list or delete; with --create, the commit
    #[arg(value_name = "PREFIX")]
    prefixes: Vec<String>,
}

/// Lists or edits.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    if let Some(new) = &args.create {
        repo.check_writable()?;
        return create(args, &repo, new);
    }
    if args.delete {
        if args.prefixes.is_empty() {
            bail!("At least one PREFIX is required when deleting refs");
        }
        repo.check_writable()?;
        return args.prefixes.iter().try_for_each(|prefix| delete(args, &repo, prefix));
    }
    let mut out = Output::stdout();
    if args.collections {
        list_collections(&mut out, args, &repo)?;
    } else if args.alias {
        for (alias, name) in refs::aliases(&repo)? {
            if args.prefixes.is_empty() || args.prefixes.iter().any(|prefix| below(alias.as_str(), prefix).is_some()) {
                writeln!(out, "{alias} -> {name}")?;
            }
        }
    } else if args.prefixes.is_empty() {
        print(&mut out, args, &repo, None)?;
    } else {
        for prefix in &args.prefixes {
            print(&mut out, args, &repo, Some(prefix))?;
        }
    }
    Ok(out.flush()?)
}

/// What is left of `name` below the directory `prefix`; the name itself if they are equal.
fn below<'n>(name: &'n str, prefix: &str) -> Option<&'n str> {
    if name == prefix { Some(name) } else { name.strip_prefix(prefix)?.strip_prefix('/') }
}

/// As [`below`], with the remote of a prefix standing before the colon.
fn match_prefix(refspec: &Refspec, prefix: &str) -> Option<String> {
    let (remote, prefix) = match prefix.split_once(':') {
        Some((remote, prefix)) => (Some(remote), prefix),
        None => (None, prefix),
    };
    if refspec.remote.as_ref().map(|remote| remote.as_str()) != remote {
        return None;
    }
    let rest = if prefix.is_empty() { refspec.name.as_str() } else { below(refspec.name.as_str(), prefix)? };
    Some(match remote {
        Some(remote) => format!("{remote}:{rest}"),
        None => rest.to_owned(),
    })
}

fn print(out: &mut Output, args: &Args, repo: &Repo, prefix: Option<&str>) -> Result<()> {
    for (refspec, commit) in refs::list(repo)? {
        let shown = match prefix {
            None => refspec.to_string(),
            Some(prefix) => match match_prefix(&refspec, prefix) {
                Some(_) if args.list => refspec.to_string(),
                Some(rest) => rest,
                None => continue,
            },
        };
        print_line(out, args, &shown, &commit)?;
    }
    Ok(())
}

fn print_line(out: &mut Output, args: &Args, name: &str, commit: &CommitId) -> Result<()> {
    if args.revision {
        writeln!(out, "{name}\t{commit}")?;
    } else {
        writeln!(out, "{name}")?;
    }
    Ok(())
}

fn list_collections(out: &mut Output, args: &Args, repo: &Repo) -> Result<()> {
    for ((collection, name), commit) in refs::list_collections(repo)? {
        if args.prefixes.is_empty() || args.prefixes.contains(&collection) {
            print_line(out, args, &format!("({collection}, {name})"), &commit)?;
        }
    }
    Ok(())
}

fn create(args: &Args, repo: &Repo, new: &str) -> Result<()> {
    let existing = match args.prefixes.as_slice() {
        [existing] => existing,
        [] => bail!("You must specify a revision when creating a new ref"),
        _ => bail!("You must specify only 1 existing ref when creating a new ref"),
    };
    let target: Refspec = new.parse()?;
    let target = RefTarget::from(target);
    let occupied = refs::read(repo, &target)?.is_some();
    if occupied && !args.force {
        bail!("--create specified but ref {new} already exists");
    }
    if args.alias {
        let RefTarget::Local(alias) = &target else { bail!("Cannot create alias to remote ref: {new}") };
        let meant: RefName = existing.parse()?;
        if refs::read(repo, &RefTarget::Local(meant.clone()))?.is_none() {
            bail!("Cannot create alias to non-existent ref: {existing}");
        }
        return Ok(refs::set_alias(repo, alias, &meant)?);
    }
    let commit = refs::resolve_local(repo, existing)?;
    let transaction = repo.transaction(Default::default())?;
    transaction.set_ref(target, Some(commit));
    transaction.commit()?;
    Ok(())
}

fn delete(args: &Args, repo: &Repo, prefix: &str) -> Result<()> {
    if args.collections {
        for (collection, name) in refs::list_collections(repo)?.into_keys() {
            if collection == prefix {
                let is_own = repo.config().collection_id.as_deref() == Some(prefix);
                let target = if is_own { RefTarget::Local(name) } else { RefTarget::Mirror(collection, name) };
                refs::delete(repo, &target)?;
            }
        }
        return Ok(());
    }
    for refspec in refs::list(repo)?.into_keys() {
        if match_prefix(&refspec, prefix).is_some() {
            refs::delete(repo, &RefTarget::from(refspec))?;
        }
    }
    Ok(())
}
