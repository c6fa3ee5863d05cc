//! `remote gpg-import`: trust OpenPGP keys for what comes from a remote.

use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use ostree_core::RemoteName;
use ostree_repo::Repo;
use ostree_sign::openpgp::{Keyring, SecretKeys};

use crate::commands::repo::remote::known;
use crate::context::Context;
use crate::exit::UsageError;
use crate::output::{line, write_whole};
use crate::trust;

/// Import GPG keys
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ostree-container repo remote gpg-import --repo repo --keyring release.asc os")]
pub struct Args {
    /// Import keys from a keyring file (repeatable)
    #[arg(short, long, value_name = "FILE")]
    keyring: Vec<PathBuf>,
    /// Import keys from standard input
    #[arg(long)]
    stdin: bool,
    /// Use sysroot at PATH (overrides --repo)
    #[arg(long, value_name = "PATH", overrides_with = "sysroot")]
    sysroot: Option<PathBuf>,
    /// The remote, then which keys (default: all)
    #[arg(value_name = "NAME [KEY-ID...]", num_args = 0..)]
    words: Vec<String>,
}

/// Says how many keys the remote's keyring did not have before.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let usage = |words: &str| UsageError(words.to_owned());
    let Some((name, keys)) = args.words.split_first() else { return Err(usage("NAME must be specified").into()) };
    if args.stdin && !args.keyring.is_empty() {
        return Err(usage("--keyring and --stdin are mutually exclusive").into());
    }
    let repo = known::open(context, args.sysroot.as_ref())?;
    let name: RemoteName = name.parse()?;
    trust::remote(&repo, &name).context("GPG")?;
    let mut source = Keyring::new();
    if args.stdin {
        source.add_reader("standard input", std::io::stdin().lock())?;
    } else if args.keyring.is_empty() {
        let home = SecretKeys::default_place().context("no --keyring is given, and there is no home directory")?;
        source.add_homedir(&home)?;
    }
    args.keyring.iter().try_for_each(|file| source.add_file(file).map(|_| ()))?;
    import(&repo, &name, &source, keys)
}

/// Adds keys to the remote's keyring, those that `names` mean or all, and says how many are new.
pub fn import(repo: &Repo, name: &RemoteName, source: &Keyring, names: &[String]) -> Result<()> {
    let now = SystemTime::now();
    for name in names {
        if !source.keys(now).iter().any(|key| key.is_named(name)) {
            bail!("GPG: Unable to find key \"{name}\": GPGME: End of file");
        }
    }
    let chosen = source.select(|key| names.is_empty() || names.iter().any(|name| key.is_named(name)), now);
    let path = trust::own_keyring(repo, name);
    let mut keyring = Keyring::new();
    if path.exists() {
        keyring.add_file(&path)?;
    }
    let before = keyring.len();
    keyring.merge(chosen);
    let imported = keyring.len() - before;
    write_whole(&path, &keyring.to_bytes()?)?;
    let plural = if imported == 1 { "" } else { "s" };
    line(format_args!("Imported {imported} GPG key{plural} to remote \"{name}\""))
}
