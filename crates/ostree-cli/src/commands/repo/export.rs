//! `export`: a commit's tree as a plain tar stream.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use ostree_core::walk::{load_commit, load_dirmeta, load_dirtree};
use ostree_core::{DirMetaId, DirTreeId, FileId, ReadObject, StoreError};
use ostree_repo::{Repo, refs};

use crate::commands::repo::tree_path::{Target, find};
use crate::context::Context;
use crate::output::Output;

/// Stream COMMIT to stdout in tar format
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Skip output of extended attributes (the format has none in any case)
    #[arg(long)]
    no_xattrs: bool,
    /// Checkout sub-directory PATH
    #[arg(long, value_name = "PATH", overrides_with = "subpath")]
    subpath: Option<String>,
    /// Add PATH as prefix to archive pathnames
    #[arg(long, value_name = "PATH", overrides_with = "prefix")]
    prefix: Option<String>,
    /// Output to PATH
    #[arg(short, long, value_name = "PATH", overrides_with = "output")]
    output: Option<PathBuf>,
    /// The commit
    #[arg(value_name = "COMMIT")]
    commit: String,
}

/// Writes the stream; every time in it is the commit's.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let commit = refs::resolve(&repo, &args.commit)?;
    let mtime = load_commit(&repo, &commit)?.timestamp;
    let Target::Dir(tree, meta) = find(&repo, &commit, args.subpath.as_deref().unwrap_or("/"))? else {
        bail!("Not a directory: {}", args.subpath.as_deref().unwrap_or("/"));
    };
    let out: Box<dyn Write> = match &args.output {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
            Box::new(BufWriter::with_capacity(256 * 1024, file))
        }
        None if io::stdout().is_terminal() => bail!("a tar stream is not written to a terminal; see --output"),
        None => Box::new(Output::stdout()),
    };
    let prefix = args.prefix.clone().unwrap_or_default();
    let root = if prefix.is_empty() { "." } else { prefix.as_str() };
    let mut writer = Writer { repo: &repo, out, mtime };
    writer.dir(root, &prefix, (tree, meta))?;
    writer.out.write_all(&[0; 1024])?;
    Ok(writer.out.flush()?)
}

/// The size of a tar block in bytes.
const BLOCK: u64 = 512;

struct Writer<'r> {
    repo: &'r Repo,
    out: Box<dyn Write>,
    mtime: u64,
}

impl Writer<'_> {
    /// Writes a directory called `name`, whose entries' names start with `below`.
    fn dir(&mut self, name: &str, below: &str, (tree, meta): (DirTreeId, DirMetaId)) -> Result<()> {
        let facts = load_dirmeta(self.repo, &meta)?;
        let mut header = self.header(tar::EntryType::Directory, facts.mode, facts.owner);
        let slash = if name.ends_with('/') { "" } else { "/" };
        self.entry(&mut header, &format!("{name}{slash}"), "")?;
        let entries = load_dirtree(self.repo, &tree)?;
        for entry in entries.files() {
            self.file(&format!("{below}{}", entry.name), &entry.file)?;
        }
        for entry in entries.dirs() {
            let name = format!("{below}{}", entry.name);
            self.dir(&name, &format!("{name}/"), (entry.tree, entry.meta))?;
        }
        Ok(())
    }

    fn file(&mut self, path: &str, id: &FileId) -> Result<()> {
        let name = id.object();
        let object = self.repo.read_file(id)?.ok_or(StoreError::Missing { name })?;
        let kind = if object.header.is_symlink() { tar::EntryType::Symlink } else { tar::EntryType::Regular };
        let mut header = self.header(kind, object.header.mode, object.header.owner);
        header.set_size(object.size);
        self.entry(&mut header, path, &object.header.symlink_target)?;
        if let Some(content) = object.content {
            let copied = io::copy(&mut content.take(object.size), &mut self.out)?;
            if copied != object.size {
                bail!("object {name} is shorter than it should be");
            }
            self.pad(object.size)?;
        }
        Ok(())
    }

    fn header(&self, kind: tar::EntryType, mode: u32, owner: ostree_core::Owner) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode & 0o7777);
        header.set_uid(owner.uid.into());
        header.set_gid(owner.gid.into());
        header.set_mtime(self.mtime);
        header.set_size(0);
        header
    }

    /// Writes a header; names that do not fit into it go before it, as GNU tar does.
    fn entry(&mut self, header: &mut tar::Header, name: &str, target: &str) -> Result<()> {
        self.long(b'K', target)?;
        self.long(b'L', name)?;
        if let Some(gnu) = header.as_gnu_mut() {
            fill(&mut gnu.name, name);
            fill(&mut gnu.linkname, target);
        }
        header.set_cksum();
        Ok(self.out.write_all(header.as_bytes())?)
    }

    fn long(&mut self, kind: u8, text: &str) -> Result<()> {
        if text.len() <= 100 {
            return Ok(());
        }
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_size(text.len() as u64 + 1);
        if let Some(gnu) = header.as_gnu_mut() {
            fill(&mut gnu.name, "././@LongLink");
        }
        header.set_cksum();
        self.out.write_all(header.as_bytes())?;
        self.out.write_all(text.as_bytes())?;
        self.out.write_all(&[0])?;
        self.pad(text.len() as u64 + 1)
    }

    fn pad(&mut self, size: u64) -> Result<()> {
        let missing = size.next_multiple_of(BLOCK) - size;
        Ok(io::copy(&mut io::repeat(0).take(missing), &mut self.out).map(drop)?)
    }
}

fn fill(field: &mut [u8], text: &str) {
    field.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
}
