//! `show`: an object, or one fact of a commit.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use ostree_core::walk::load_commit;
use ostree_core::{Checksum, CommitId, FileId, Metadata, ObjectKind, ObjectName, ReadObject, RemoteName, StoreError};
use ostree_repo::{Repo, refs};
use ostree_sign::detached::signatures;
use ostree_sign::keys;
use ostree_sign::trust::commit_reports;

use crate::commands::repo::log_block::{self, Style, variant_text};
use crate::commands::repo::ls::xattrs_text;
use crate::commands::repo::signing::gpg_keyring;
use crate::commands::repo::sizes;
use crate::context::Context;
use crate::output::{Output, line, local_date};
use crate::trust;

/// Output a metadata object
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show the "related" commits
    #[arg(long)]
    print_related: bool,
    /// Read OBJECT (in this case a filename) as this GVariant type string
    #[arg(long, value_name = "TYPE", overrides_with = "print_variant_type")]
    print_variant_type: Option<String>,
    /// List the available metadata keys
    #[arg(long)]
    list_metadata_keys: bool,
    /// Print string value of metadata key
    #[arg(long, value_name = "KEY", overrides_with = "print_metadata_key")]
    print_metadata_key: Option<String>,
    /// List the available detached metadata keys
    #[arg(long)]
    list_detached_metadata_keys: bool,
    /// Print string value of detached metadata key
    #[arg(long, value_name = "KEY", overrides_with = "print_detached_metadata_key")]
    print_detached_metadata_key: Option<String>,
    /// For byte array valued keys, output an unquoted hexadecimal string
    #[arg(long)]
    print_hex: bool,
    /// Show the commit size metadata
    #[arg(long)]
    print_sizes: bool,
    /// Show raw variant data
    #[arg(long)]
    raw: bool,
    /// Do not automatically convert variant data from big endian
    #[arg(short = 'B', long)]
    no_byteswap: bool,
    /// GPG home directory to use when looking for keyrings
    #[arg(long, value_name = "HOMEDIR", overrides_with = "gpg_homedir")]
    gpg_homedir: Option<PathBuf>,
    /// Use the GPG configuration of this remote
    #[arg(long, value_name = "REMOTE", overrides_with = "gpg_verify_remote")]
    gpg_verify_remote: Option<RemoteName>,
    /// A checksum, ref or, with --print-variant-type, file
    #[arg(value_name = "OBJECT")]
    object: String,
}

/// Prints what the options choose, otherwise the object.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    if let Some(type_string) = &args.print_variant_type {
        let bytes = std::fs::read(Path::new(&args.object)).with_context(|| format!("openat({})", args.object))?;
        return line(variant_text(type_string, &bytes, args.no_byteswap)?);
    }
    let repo = context.open_repo()?;
    if let Some(key) = &args.print_metadata_key {
        let commit = load_commit(&repo, &refs::resolve(&repo, &args.object)?)?;
        return print_key(args, &commit.metadata, key);
    }
    if let Some(key) = &args.print_detached_metadata_key {
        let id = refs::resolve(&repo, &args.object)?;
        return print_key(args, &detached(&repo, &id)?, key);
    }
    if args.list_metadata_keys {
        return list_keys(&load_commit(&repo, &refs::resolve(&repo, &args.object)?)?.metadata);
    }
    if args.list_detached_metadata_keys {
        return list_keys(&detached(&repo, &refs::resolve(&repo, &args.object)?)?);
    }
    if args.print_related {
        return print_related(&repo, &refs::resolve(&repo, &args.object)?);
    }
    if args.print_sizes {
        return sizes::print(&repo, &refs::resolve(&repo, &args.object)?);
    }
    print_object(args, &repo)
}

fn detached(repo: &Repo, id: &CommitId) -> Result<Metadata> {
    repo.read_detached(id)?.with_context(|| format!("No detached metadata for commit {id}"))
}

fn print_key(args: &Args, metadata: &Metadata, key: &str) -> Result<()> {
    let value = metadata.get(key).with_context(|| format!("No such metadata key '{key}'"))?;
    match value.as_byte_array() {
        Some(bytes) if args.print_hex => line(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        _ => line(variant_text(&value.type_string, &value.bytes, args.no_byteswap)?),
    }
}

fn list_keys(metadata: &Metadata) -> Result<()> {
    let mut keys: Vec<&str> = metadata.iter().map(|(key, _)| key).collect();
    keys.sort_unstable();
    let mut out = Output::stdout();
    for key in keys {
        writeln!(out, "{key}")?;
    }
    Ok(out.flush()?)
}

fn print_related(repo: &Repo, id: &CommitId) -> Result<()> {
    let mut out = Output::stdout();
    for (name, checksum) in &load_commit(repo, id)?.related {
        let checksum: String = checksum.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(out, "{name} {checksum}")?;
    }
    Ok(out.flush()?)
}

/// A ref names a commit; a checksum whatever object has it.
fn print_object(args: &Args, repo: &Repo) -> Result<()> {
    let style = Style { raw: args.raw, no_byteswap: args.no_byteswap };
    let mut out = Output::stdout();
    let Ok(checksum) = args.object.parse::<Checksum>() else {
        let id = refs::resolve(repo, &args.object)?;
        print_commit(&mut out, repo, &id, (args, style))?;
        return Ok(out.flush()?);
    };
    let mut found = false;
    for kind in [ObjectKind::Commit, ObjectKind::DirMeta, ObjectKind::DirTree] {
        let Some(bytes) = repo.read_metadata(&ObjectName::new(kind, checksum))? else { continue };
        found = true;
        match kind {
            ObjectKind::Commit => print_commit(&mut out, repo, &CommitId::new(checksum), (args, style))?,
            _ => {
                writeln!(out, "{kind} {checksum}")?;
                if args.raw || args.no_byteswap {
                    let type_string = if kind == ObjectKind::DirMeta { "(uuua(ayay))" } else { "(a(say)a(sayay))" };
                    writeln!(out, "{}", variant_text(type_string, &bytes, args.no_byteswap)?)?;
                }
            }
        }
    }
    if !found {
        print_file(&mut out, repo, &FileId::new(checksum))?;
    }
    Ok(out.flush()?)
}

fn print_commit(out: &mut Output, repo: &Repo, id: &CommitId, (args, style): (&Args, Style)) -> Result<()> {
    let name = id.object();
    let bytes = repo.read_metadata(&name)?.ok_or(StoreError::Missing { name })?;
    log_block::print(out, id, &bytes, style)?;
    let detached = repo.read_detached(id)?.unwrap_or_default();
    if style.raw || signatures(&detached, keys::GPG).is_empty() {
        return Ok(());
    }
    let keyring = match &args.gpg_verify_remote {
        Some(remote) => trust::remote(repo, remote)?.keyring()?,
        None => gpg_keyring(repo, args.gpg_homedir.as_deref())?,
    };
    let reports = commit_reports(&keyring, &bytes, &detached, SystemTime::now());
    writeln!(out, "Found {} signature{}:", reports.len(), if reports.len() == 1 { "" } else { "s" })?;
    for report in &reports {
        write!(out, "\n{}", report.describe("  ", &local_date))?;
    }
    Ok(())
}

fn print_file(out: &mut Output, repo: &Repo, id: &FileId) -> Result<()> {
    let object = repo.read_file(id)?.with_context(|| format!("Couldn't find file object '{id}'"))?;
    let header = &object.header;
    writeln!(out, "Object: {id}\nType: file")?;
    if header.is_symlink() {
        writeln!(out, "File Type: symlink\nTarget: {}", header.symlink_target)?;
    } else {
        writeln!(out, "File Type: regular\nSize: {}", object.size)?;
    }
    writeln!(out, "Mode: 0{:04o}\nUid: {}\nGid: {}", header.mode, header.owner.uid, header.owner.gid)?;
    writeln!(out, "Extended Attributes: {{ {} }}", xattrs_text(&header.xattrs)?)?;
    Ok(())
}
