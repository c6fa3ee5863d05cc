//! `summary`: the list of refs that a repository offers, made, signed and shown.

mod view;

use std::io::Write;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use ostree_core::gvariant::text;
use ostree_core::summary::Summary;
use ostree_core::tree::MutableTree;
use ostree_core::{
    DirMeta, DirMetaId, Metadata, ObjectKind, Owner, RawVariant, RefName, Refspec, WriteObject, Xattrs, metadata,
};
use ostree_repo::commit::{CommitParams, write_commit};
use ostree_repo::summary::{SummaryFiles, make, read, write};
use ostree_repo::{Repo, TransactionOptions, refs};
use ostree_sign::openpgp::Keyring;

use crate::args::KeyValue;
use crate::commands::repo::log_block::variant_text;
use crate::commands::repo::signing::{self, SignOptions};
use crate::context::Context;
use crate::date;
use crate::exit::UsageError;
use crate::output::{Output, line};

/// The ref of a collection that carries its summary's metadata.
const METADATA_REF: &str = "ostree-metadata";

/// Manage summary metadata
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  ostree-container repo summary --repo repo --update --gpg-homedir keys --gpg-sign release@example.org"
)]
pub struct Args {
    /// Update the summary
    #[arg(short, long)]
    update: bool,
    /// View the local summary file
    #[arg(short = 'v', long)]
    view: bool,
    /// View the raw bytes of the summary file
    #[arg(long)]
    raw: bool,
    /// Who signs the summary
    #[command(flatten)]
    signing: SignOptions,
    /// Additional metadata field to add to the summary
    #[arg(short = 'm', long, value_name = "KEY=VALUE")]
    add_metadata: Vec<KeyValue>,
    /// Print more about what is done
    #[arg(long)]
    verbose: bool,
}

/// Makes the summary, or prints it.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    if args.update {
        return update(args, &context.open_writable()?);
    }
    if !args.view && !args.raw {
        return Err(UsageError("No option specified; use -u to update summary".to_owned()).into());
    }
    let repo = context.open_repo()?;
    let Some(files) = read(&repo)? else { anyhow::bail!("openat(summary): No such file or directory") };
    if args.raw {
        return line(variant_text("(a(s(taya{sv}))a{sv})", &files.summary, false)?);
    }
    let mut out = Output::stdout();
    view::print(&mut out, &Summary::decode(&files.summary)?)?;
    Ok(out.flush()?)
}

fn update(args: &Args, repo: &Repo) -> Result<()> {
    let mut additional = Metadata::default();
    for KeyValue { key, value } in &args.add_metadata {
        let value = text::parse(value).with_context(|| format!("Parsing {key}={value}"))?;
        additional.set(key, RawVariant::from(&value));
    }
    // What cannot be signed is not written.
    let (mut gpg, mut engines) = (args.signing.gpg_keys()?, args.signing.engine_keys()?);
    if let Some(collection) = &repo.config().collection_id {
        write_metadata_commit(repo, collection, &additional, &args.signing)?;
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let summary = make(repo, &additional, now)?.encode()?;
    let mut signatures = Metadata::default();
    signing::add_gpg(&mut signatures, &summary, &mut gpg, &Keyring::new())?;
    signing::add_engines(&mut signatures, &summary, &mut engines)?;
    let signatures = (!signatures.is_empty()).then(|| signatures.encode());
    Ok(write(repo, &SummaryFiles { summary, signatures })?)
}

/// Of a collection, the summary's metadata is also a signed commit without content.
fn write_metadata_commit(repo: &Repo, collection: &str, additional: &Metadata, signing: &SignOptions) -> Result<()> {
    let branch = Refspec::local(RefName::new(METADATA_REF)?);
    let parent = match refs::resolve(repo, METADATA_REF) {
        Ok(id) => Some(id),
        Err(ostree_repo::RepoError::RefNotFound(_)) => None,
        Err(other) => return Err(other.into()),
    };
    let transaction = repo.transaction(TransactionOptions::default())?;
    let meta = DirMeta { owner: Owner::default(), mode: 0o040_755, xattrs: Xattrs::default() };
    let meta = transaction.write_metadata(ObjectKind::DirMeta, &meta.encode(), None)?;
    let mut tree = MutableTree::new();
    tree.set_meta(DirMetaId::new(meta));
    let root = tree.write(&transaction)?;
    // In the order in which the reference program's come out.
    let mut about = Metadata::default();
    about.push(metadata::COLLECTION_BINDING, RawVariant::string(collection));
    about.push(metadata::REF_BINDING, RawVariant::strings([METADATA_REF]));
    additional.iter().for_each(|(key, value)| about.set(key, value.clone()));
    let params = CommitParams {
        metadata: about,
        detached: Metadata::default(),
        parent,
        subject: String::new(),
        body: String::new(),
        timestamp: date::now()?,
    };
    let id = write_commit(&transaction, root, params)?;
    signing::sign_new(&transaction, &id, signing)?;
    transaction.set_ref(branch, Some(id));
    transaction.commit()?;
    Ok(())
}
