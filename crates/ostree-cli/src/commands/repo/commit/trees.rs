//! The tree of a commit, laid together from directories, archives and other commits.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use ostree_core::tree::MutableTree;
use ostree_repo::commit::{DevInoCache, DirOptions, Modifier, Trust, add_commit, add_directory, commit_tree};
use ostree_repo::{Transaction, refs};

use crate::commands::repo::commit::archives;
use crate::commands::repo::commit::args::Args;
use crate::commands::repo::commit::root::Root;

/// Writes the tree; also gives the directories that are to be removed when the commit is safe.
pub fn write(args: &Args, transaction: &Transaction<'_>, modifier: &Modifier) -> Result<(Root, Vec<PathBuf>)> {
    let repo = transaction.repo();
    let mut tree = match &args.base {
        Some(rev) => commit_tree(repo, &refs::resolve(repo, rev)?)?,
        None => MutableTree::new(),
    };
    let trust = match (args.devino_canonical, args.link_checkout_speedup) {
        (true, _) => Some(Trust::Everything),
        (false, true) => Some(Trust::Content),
        (false, false) => None,
    };
    let devino = trust.map(|trust| DevInoCache::scan(repo, trust)).transpose()?;
    let options = DirOptions { devino: devino.as_ref(), jobs: None };
    let mut consumed = Vec::new();
    let mut add = |tree: &mut MutableTree, path: &Path| -> Result<()> {
        add_directory(transaction, tree, path, modifier, &options)?;
        if args.consume {
            consumed.push(path.to_owned());
        }
        Ok(())
    };
    if args.tree.is_empty() {
        add(&mut tree, args.path.as_deref().unwrap_or(Path::new(".")))?;
    }
    for source in &args.tree {
        match source.split_once('=') {
            Some(("dir", path)) => add(&mut tree, Path::new(path))?,
            Some(("ref", rev)) => add_commit(transaction, &mut tree, &refs::resolve(repo, rev)?, modifier)?,
            Some(("tar", path)) => archives::add(args, transaction, &mut tree, Path::new(path), modifier)?,
            Some((kind, _)) => bail!("Invalid tree type specification '{kind}'"),
            None => bail!("Missing type in tree specification '{source}'"),
        }
    }
    Ok((tree.write(transaction)?, consumed))
}
