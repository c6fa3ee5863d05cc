//! `cat`: the contents of files in a commit.

use std::io::{self, Write};

use anyhow::{Result, bail};
use ostree_core::{CommitId, FileId, ReadObject, StoreError};
use ostree_repo::{Repo, refs};

use crate::commands::repo::tree_path::{Target, absolute, find};
use crate::context::Context;
use crate::output::Output;

/// How many symlinks are followed before they are taken for a ring, as in Linux.
const MAX_SYMLINKS: usize = 40;

/// Concatenate contents of files
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The commit
    #[arg(value_name = "COMMIT")]
    commit: String,
    /// Files in it
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<String>,
}

/// Prints the files one after the other.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let commit = refs::resolve(&repo, &args.commit)?;
    let mut out = Output::stdout();
    for path in &args.paths {
        let file = follow(&repo, &commit, path)?;
        let name = file.object();
        let object = repo.read_file(&file)?.ok_or(StoreError::Missing { name })?;
        if let Some(mut content) = object.content {
            io::copy(&mut content, &mut out)?;
        }
    }
    Ok(out.flush()?)
}

/// The regular file at `path`, symlinks followed within the commit.
fn follow(repo: &Repo, commit: &CommitId, path: &str) -> Result<FileId> {
    let mut path = absolute(path);
    for _ in 0..MAX_SYMLINKS {
        let Target::File(id) = find(repo, commit, &path)? else { bail!("Can't open directory") };
        let name = id.object();
        let header = repo.read_file(&id)?.ok_or(StoreError::Missing { name })?.header;
        if !header.is_symlink() {
            return Ok(id);
        }
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        path = match header.symlink_target.starts_with('/') {
            true => absolute(&header.symlink_target),
            false => absolute(&format!("{parent}/{}", header.symlink_target)),
        };
    }
    bail!("Too many levels of symbolic links: {path}")
}
