//! `remote gpg-list-keys`: which OpenPGP keys are trusted for what comes from a remote.

use std::io::Write;
use std::time::SystemTime;

use anyhow::Result;
use ostree_core::RemoteName;
use ostree_sign::openpgp::KeyInfo;

use crate::context::Context;
use crate::output::{Output, local_date};
use crate::trust;

/// Show remote GPG keys
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The remote (default: the keys that count for remotes without a keyring)
    #[arg(value_name = "NAME")]
    name: Option<RemoteName>,
}

/// Prints each key with its user ids and subkeys.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let keyring = match &args.name {
        Some(name) => trust::remote(&repo, name)?.keyring()?,
        None => trust::global_keyring()?,
    };
    let now = SystemTime::now();
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut out = Output::stdout();
    for key in keyring.keys(now) {
        print(&mut out, &key, seconds)?;
    }
    Ok(out.flush()?)
}

fn print(out: &mut Output, key: &KeyInfo, now: u64) -> Result<()> {
    let revoked = |is_revoked: bool| if is_revoked { " (revoked)" } else { "" };
    writeln!(out, "Key: {}{}", key.fingerprint, revoked(key.is_revoked))?;
    dates(out, "  ", key.created, key.expires, now)?;
    for user in &key.user_ids {
        writeln!(out, "  UID: {}{}", user.text, revoked(user.is_revoked))?;
        if let Some([advanced, direct]) = user.update_urls() {
            writeln!(out, "  Advanced update URL: {advanced}\n  Direct update URL: {direct}")?;
        }
    }
    for subkey in &key.subkeys {
        writeln!(out, "  Subkey: {}", subkey.fingerprint)?;
        dates(out, "    ", subkey.created, subkey.expires, now)?;
    }
    Ok(())
}

fn dates(out: &mut Output, prefix: &str, created: u64, expires: Option<u64>, now: u64) -> Result<()> {
    writeln!(out, "{prefix}Created: {}", local_date(created))?;
    if let Some(end) = expires {
        writeln!(out, "{prefix}{}: {}", if end <= now { "Expired" } else { "Expires" }, local_date(end))?;
    }
    Ok(())
}
