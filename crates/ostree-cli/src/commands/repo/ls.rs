//! `ls`: the files and directories in a commit.

use std::io::Write;

use anyhow::{Context as _, Result, bail};
use ostree_core::gvariant::{Value, text};
use ostree_core::limits::MAX_TREE_DEPTH;
use ostree_core::walk::{load_dirmeta, load_dirtree};
use ostree_core::{DirMetaId, DirTreeId, FileId, ReadObject, StoreError, Xattrs};
use ostree_repo::{Repo, refs};

use crate::commands::repo::tree_path::{Target, absolute, find};
use crate::context::Context;
use crate::output::Output;

/// List file paths
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do not recurse into directory arguments
    #[arg(short = 'd', long)]
    dironly: bool,
    /// Print directories recursively
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Print checksum
    #[arg(short = 'C', long)]
    checksum: bool,
    /// Print extended attributes
    #[arg(short = 'X', long)]
    xattrs: bool,
    /// Print only filenames, NUL separated
    #[arg(long)]
    nul_filenames_only: bool,
    /// The commit
    #[arg(value_name = "COMMIT")]
    commit: String,
    /// Paths in it (default: all of it)
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
}

/// Prints one line a file.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let commit = refs::resolve(&repo, &args.commit)?;
    let mut lister = Lister { args, repo: &repo, out: Output::stdout() };
    let root = [String::from("/")];
    let paths = if args.paths.is_empty() { &root } else { args.paths.as_slice() };
    for path in paths {
        let path = absolute(path);
        match find(&repo, &commit, &path).with_context(|| format!("Inspecting path '{path}'"))? {
            Target::File(id) => lister.file(&path, &id)?,
            Target::Dir(tree, meta) => {
                let depth = if args.dironly {
                    0
                } else if args.recursive {
                    usize::MAX
                } else {
                    1
                };
                lister.dir(&path, &tree, &meta, depth)?;
            }
        }
    }
    Ok(lister.out.flush()?)
}

struct Lister<'a> {
    args: &'a Args,
    repo: &'a Repo,
    out: Output,
}

/// What every line has.
struct Facts<'a> {
    letter: char,
    mode: u32,
    owner: ostree_core::Owner,
    size: u64,
    checksums: String,
    xattrs: &'a Xattrs,
}

impl Lister<'_> {
    fn dir(&mut self, path: &str, tree: &DirTreeId, meta: &DirMetaId, depth: usize) -> Result<()> {
        let facts = load_dirmeta(self.repo, meta)?;
        self.line(
            path,
            None,
            &Facts {
                letter: 'd',
                mode: facts.mode,
                owner: facts.owner,
                size: 0,
                checksums: format!("{tree} {meta} "),
                xattrs: &facts.xattrs,
            },
        )?;
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        // Damaged objects can name each other in a ring.
        if path.matches('/').count() > MAX_TREE_DEPTH {
            bail!("directories nest deeper than {MAX_TREE_DEPTH}");
        }
        let entries = load_dirtree(self.repo, tree)?;
        let below = if path == "/" { "" } else { path };
        for entry in entries.files() {
            self.file(&format!("{below}/{}", entry.name), &entry.file)?;
        }
        for entry in entries.dirs() {
            self.dir(&format!("{below}/{}", entry.name), &entry.tree, &entry.meta, depth)?;
        }
        Ok(())
    }

    fn file(&mut self, path: &str, id: &FileId) -> Result<()> {
        if self.args.nul_filenames_only {
            return Ok(write!(self.out, "{path}\0")?);
        }
        let name = id.object();
        let object = self.repo.read_file(id)?.ok_or(StoreError::Missing { name })?;
        let header = &object.header;
        let facts = Facts {
            letter: if header.is_symlink() { 'l' } else { '-' },
            mode: header.mode,
            owner: header.owner,
            size: object.size,
            checksums: format!("{id} "),
            xattrs: &header.xattrs,
        };
        self.line(path, header.is_symlink().then_some(header.symlink_target.as_str()), &facts)
    }

    fn line(&mut self, path: &str, target: Option<&str>, facts: &Facts<'_>) -> Result<()> {
        if self.args.nul_filenames_only {
            return Ok(write!(self.out, "{path}\0")?);
        }
        let Facts { letter, mode, owner, size, checksums, xattrs } = facts;
        write!(self.out, "{letter}0{:04o} {} {} {size:>6} ", mode & 0o7777, owner.uid, owner.gid)?;
        if self.args.checksum {
            write!(self.out, "{checksums}")?;
        }
        if self.args.xattrs {
            write!(self.out, "{{ {} }} ", xattrs_text(xattrs)?)?;
        }
        let arrow = target.map(|target| format!(" -> {target}")).unwrap_or_default();
        Ok(writeln!(self.out, "{path}{arrow}")?)
    }
}

/// The GVariant text of xattrs.
pub fn xattrs_text(xattrs: &Xattrs) -> Result<String> {
    Ok(text::print(&Value::decode("a(ayay)", &xattrs.encode())?, true))
}
