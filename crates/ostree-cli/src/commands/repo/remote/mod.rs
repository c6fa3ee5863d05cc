//! `remote`: which other repositories this one knows.

mod add;
mod delete;
mod list;
mod show_url;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use ostree_core::RemoteName;
use ostree_repo::Repo;
use ostree_repo::keyfile::KeyFile;

use crate::context::Context;

/// One of the remote commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a remote repository
    Add(add::Args),
    /// Delete a remote repository
    Delete(delete::Args),
    /// List remote repository names
    List(list::Args),
    /// Show remote repository URL
    ShowUrl(show_url::Args),
}

/// Runs the command.
pub fn run(command: &Command, context: &Context) -> Result<()> {
    match command {
        Command::Add(args) => add::run(args, context),
        Command::Delete(args) => delete::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::ShowUrl(args) => show_url::run(args, context),
    }
}

/// The group of `config` that describes a remote.
fn group(name: &RemoteName) -> String {
    format!("remote \"{name}\"")
}

/// The names of the remotes, sorted.
fn names(file: &KeyFile) -> Vec<RemoteName> {
    let mut names: Vec<RemoteName> = file
        .groups()
        .iter()
        .filter_map(|group| RemoteName::new(group.strip_prefix("remote \"")?.strip_suffix('"')?).ok())
        .collect();
    names.sort();
    names
}

fn url<'f>(file: &'f KeyFile, name: &RemoteName) -> Result<&'f str> {
    file.get(&group(name), "url").with_context(|| format!("No \"url\" option in remote \"{name}\""))
}

/// Opens the repository of `--sysroot`, or the usual one, for changing its configuration.
fn open(context: &Context, sysroot: Option<&PathBuf>) -> Result<Repo> {
    match sysroot {
        Some(sysroot) => Context { repo: Some(sysroot.join("ostree/repo")), ..context.clone() }.open_writable(),
        None => context.open_writable(),
    }
}
