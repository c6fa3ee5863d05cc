//! `sign`: signatures of a commit by raw keys, added, verified or deleted.

use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Result, bail};
use ostree_core::{CommitId, ReadObject};
use ostree_repo::{Repo, refs};
use ostree_sign::{Engine, EngineVerifier, KeyDirectory, SignError, detached};

use crate::commands::repo::signing;
use crate::context::Context;
use crate::exit::UsageError;
use crate::output::line;
use crate::trust;

/// Sign a commit
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ostree-container repo sign --repo repo --sign-type spki --keys-file secret.pem os/stable\n  \
    ostree-container repo sign --repo repo --sign-type spki --verify --keys-file public.pem os/stable\n  \
    ostree-container repo sign --repo repo os/stable BASE64-OF-SECRET-KEY"
)]
pub struct Args {
    /// Delete signatures by any of the public keys
    #[arg(short, long, conflicts_with = "verify")]
    delete: bool,
    /// Verify signatures; the KEY-IDs are public keys, and without any the system's trusted keys count
    #[arg(long)]
    verify: bool,
    /// Signature type to use: ed25519, spki or pgp (default: ed25519)
    #[arg(short, long, value_name = "NAME", overrides_with = "sign_type")]
    sign_type: Option<String>,
    /// Read keys from FILE: a base64 text a line for ed25519, PEM for spki
    #[arg(long, value_name = "FILE")]
    keys_file: Option<PathBuf>,
    /// Read trusted and revoked keys from DIR (trusted.TYPE, trusted.TYPE.d, revoked.TYPE, revoked.TYPE.d)
    #[arg(long, value_name = "DIR")]
    keys_dir: Option<PathBuf>,
    /// The commit, then keys in base64
    #[arg(value_name = "COMMIT KEY-ID...", num_args = 0..)]
    words: Vec<String>,
}

/// Signs; or says which key verified the commit; or says how many signatures were deleted.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let usage = |words: &str| UsageError(words.to_owned());
    let words = args.words.split_first();
    let Some((commit, keys)) = words else { return Err(usage("Need a COMMIT to sign or verify").into()) };
    if !args.verify && keys.is_empty() && args.keys_file.is_none() {
        return Err(usage("Need at least one KEY-ID to sign with").into());
    }
    let repo = if args.verify { context.open_repo()? } else { context.open_writable()? };
    let id = refs::resolve(&repo, commit)?;
    let engine: Engine = args.sign_type.as_deref().unwrap_or("ed25519").parse()?;
    if args.verify {
        return verify(args, context, (&repo, &id), engine, keys);
    }
    if args.delete {
        return line(format_args!("Signatures deleted: {}", delete(args, (&repo, &id), engine, keys)?));
    }
    let mut signers = signing::engine_keys(engine, ("KEY-ID", keys), args.keys_file.as_slice())?;
    let mut metadata = repo.read_detached(&id)?.unwrap_or_default();
    signing::add_engines(&mut metadata, &signing::commit_bytes(&repo, &id)?, &mut signers)?;
    signing::write_detached(&repo, &id, &metadata)
}

fn verify(
    args: &Args,
    context: &Context,
    (repo, id): (&Repo, &CommitId),
    engine: Engine,
    keys: &[String],
) -> Result<()> {
    let message = signing::commit_bytes(repo, id)?;
    let metadata = repo.read_detached(id)?.unwrap_or_default();
    let signatures = detached::signatures(&metadata, engine.metadata_key());
    let checked =
        trusted(args, engine, keys).and_then(|verifier| verifier.verify(&message, &signatures, SystemTime::now()));
    match checked {
        Ok(words) => line(words),
        Err(SignError::NotVerified(why)) => {
            if context.verbose {
                eprintln!("{why}");
            }
            bail!("No valid signatures found")
        }
        Err(SignError::DummyDisabled) => bail!("No valid signatures found"),
        Err(other) => Err(other.into()),
    }
}

/// The keys of the command line, else those of the system.
fn trusted(args: &Args, engine: Engine, keys: &[String]) -> Result<EngineVerifier, SignError> {
    let mut verifier = EngineVerifier::new(engine)?;
    let mut directories = trust::key_directories();
    keys.iter().try_for_each(|key| verifier.trust_inline("KEY-ID", key))?;
    args.keys_file.iter().try_for_each(|file| verifier.trust_file(file))?;
    if let Some(directory) = &args.keys_dir {
        directories = vec![KeyDirectory(directory.clone())];
    }
    if args.keys_dir.is_some() || (keys.is_empty() && args.keys_file.is_none()) {
        directories.iter().try_for_each(|directory| verifier.trust_directory(directory))?;
    }
    directories.iter().try_for_each(|directory| verifier.revoke_directory(directory))?;
    Ok(verifier)
}

fn delete(args: &Args, (repo, id): (&Repo, &CommitId), engine: Engine, keys: &[String]) -> Result<usize> {
    let verifier = trusted(args, engine, keys)?;
    let now = SystemTime::now();
    signing::delete(repo, id, engine.metadata_key(), |message, signature| !verifier.is_signed(message, signature, now))
}
