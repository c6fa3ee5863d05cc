//! The metadata of a commit from the options that name it.

use anyhow::{Context as _, Result, bail};
use ostree_core::gvariant::text;
use ostree_core::walk::{load_commit, load_dirtree};
use ostree_core::{CommitId, Metadata, RawVariant, ReadObject, Refspec, metadata};
use ostree_repo::commit::{Bindings, bind};
use ostree_repo::{Repo, RepoMode, Transaction};

use crate::commands::repo::commit::args::Args;
use crate::commands::repo::commit::root::Root;
use crate::commands::repo::commit::sizes;

/// The metadata that does not depend on the tree.
pub struct Base(Metadata);

impl Base {
    /// Strings, then values, then what is kept of the parent, each in the order of the command line.
    pub fn collect(args: &Args, repo: &Repo, parent: Option<&CommitId>) -> Result<Self> {
        let mut collected = Metadata::default();
        for text in &args.add_metadata_string {
            let (key, value) = split(text)?;
            collected.push(key, RawVariant::string(value));
        }
        for pair in &args.add_metadata {
            let (key, value) = split(pair)?;
            let value = text::parse(value).with_context(|| format!("Parsing {pair}"))?;
            collected.push(key, RawVariant::from(&value));
        }
        if !args.keep_metadata.is_empty() {
            let Some(parent) = parent else {
                bail!("Either --branch or --parent must be specified when using --keep-metadata")
            };
            let old = load_commit(repo, parent)?;
            for key in &args.keep_metadata {
                let value = old.metadata.get(key);
                let value = value.with_context(|| format!("Missing metadata key '{key}' from commit '{parent}'"))?;
                collected.push(key.as_str(), value.clone());
            }
        }
        Ok(Self(collected))
    }

    /// Appends what the tree says and the bindings.
    pub fn finish(self, args: &Args, transaction: &Transaction<'_>, root: Root) -> Result<Metadata> {
        let Self(mut collected) = self;
        if args.bootable {
            collected.push(metadata::BOOTABLE, RawVariant::boolean(true));
            collected.push(metadata::LINUX, RawVariant::string(&kernel_release(transaction, root)?));
        }
        if !args.no_bindings {
            let names = args
                .branch
                .iter()
                .chain(&args.bind_ref)
                .map(|name| name.parse::<Refspec>().map(|refspec| refspec.name));
            let collection = transaction.repo().config().collection_id.clone();
            bind(&mut collected, &Bindings { refs: names.collect::<Result<_, _>>()?, collection });
        }
        if args.generate_sizes && transaction.repo().mode() == RepoMode::Archive {
            collected.push(metadata::SIZES, sizes::collect(transaction, root)?);
        }
        Ok(collected)
    }
}

/// The detached metadata.
pub fn detached(args: &Args) -> Result<Metadata> {
    args.add_detached_metadata_string.iter().map(|text| split(text)).try_fold(Metadata::default(), |mut all, pair| {
        let (key, value) = pair?;
        all.push(key, RawVariant::string(value));
        Ok(all)
    })
}

fn split(text: &str) -> Result<(&str, &str)> {
    text.split_once('=').with_context(|| format!("Missing '=' in KEY=VALUE metadata '{text}'"))
}

/// The name of the directory below `usr/lib/modules` that has a kernel.
fn kernel_release(store: &dyn ReadObject, (root, _): Root) -> Result<String> {
    let mut at = root;
    for name in ["usr", "lib", "modules"] {
        let tree = load_dirtree(store, &at)?;
        at = tree.dir(name).context("No kernel found in /usr/lib/modules")?.tree;
    }
    for dir in load_dirtree(store, &at)?.dirs() {
        if load_dirtree(store, &dir.tree)?.file("vmlinuz").is_some() {
            return Ok(dir.name.as_str().to_owned());
        }
    }
    bail!("No kernel found in /usr/lib/modules")
}
