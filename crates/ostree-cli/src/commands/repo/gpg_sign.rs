//! `gpg-sign`: OpenPGP signatures of a commit, added or deleted.

use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::Result;
use ostree_core::{CommitId, ReadObject};
use ostree_repo::{Repo, refs};
use ostree_sign::keys;
use ostree_sign::openpgp::{Keyring, SignatureReport};

use crate::commands::repo::signing::{self, gpg_keyring, gpg_keys};
use crate::context::Context;
use crate::exit::UsageError;
use crate::output::line;

/// Sign a commit
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ostree-container repo gpg-sign --repo repo --gpg-homedir keys os/stable release@example.org\n  \
    ostree-container repo gpg-sign --repo repo --gpg-homedir secret.asc os/stable release@example.org\n  \
    ostree-container repo gpg-sign --repo repo --delete os/stable 0123456789ABCDEF"
)]
pub struct Args {
    /// Delete signatures having any of the GPG KEY-IDs
    #[arg(short, long)]
    delete: bool,
    /// GPG home directory to use when looking for keyrings, or a file of exported secret keys
    #[arg(long, value_name = "HOMEDIR", overrides_with = "gpg_homedir")]
    gpg_homedir: Option<PathBuf>,
    /// The commit, then whose keys: a fingerprint, a key id, or something of a user id
    #[arg(value_name = "COMMIT KEY-ID...", num_args = 0..)]
    words: Vec<String>,
}

/// Adds signatures, or says how many were deleted.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let usage = |words: &str| UsageError(words.to_owned());
    let Some((commit, names)) = args.words.split_first() else { return Err(usage("Need a COMMIT to sign").into()) };
    if names.is_empty() {
        return Err(usage("Need at least one GPG KEY-ID to sign with").into());
    }
    let repo = context.open_writable()?;
    let id = refs::resolve(&repo, commit)?;
    let keyring = gpg_keyring(&repo, args.gpg_homedir.as_deref())?;
    if args.delete {
        return line(format_args!("Signatures deleted: {}", delete(&repo, &id, &keyring, names)?));
    }
    let mut signers = gpg_keys(args.gpg_homedir.as_deref(), names)?;
    let mut metadata = repo.read_detached(&id)?.unwrap_or_default();
    signing::add_gpg(&mut metadata, &signing::commit_bytes(&repo, &id)?, &mut signers, &keyring)?;
    signing::write_detached(&repo, &id, &metadata)
}

fn delete(repo: &Repo, id: &CommitId, keyring: &Keyring, names: &[String]) -> Result<usize> {
    let now = SystemTime::now();
    signing::delete(repo, id, keys::GPG, |message, signature| {
        let reports = keyring.verify_detached(signature, message, now);
        !reports.iter().any(|report| names.iter().any(|name| is_by(report, name)))
    })
}

/// Whether a signature says that it is of the key, or the owner, that `name` means.
fn is_by(report: &SignatureReport, name: &str) -> bool {
    let by_key = report.fingerprint.iter().chain(&report.primary).any(|key| key.is_named(name));
    let by_id = report.key_id.is_some_and(|id| id.to_string().eq_ignore_ascii_case(name.trim_start_matches("0x")));
    by_key || by_id || report.user_ids.iter().any(|user| user.is_named(name))
}
