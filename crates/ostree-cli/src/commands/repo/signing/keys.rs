//! OpenPGP keys out of the place that `--gpg-homedir` names.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use ostree_repo::Repo;
use ostree_sign::openpgp::{Keyring, SecretKeys, SigningKey};
use ostree_sign::{Engine, EngineSigner};

use crate::trust;

/// The secret keys that `names` mean, of `--gpg-homedir` or where GnuPG has them by default.
pub fn gpg_keys(homedir: Option<&Path>, names: &[String]) -> Result<Vec<SigningKey>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    secret_keys(&place(homedir)?, names)
}

/// The secret keys in `place` that `names` mean.
pub fn secret_keys(place: &Path, names: &[String]) -> Result<Vec<SigningKey>> {
    let secrets = SecretKeys::open(place)?;
    names.iter().map(|name| Ok(secrets.find(name, SystemTime::now())?)).collect()
}

/// Every public key that may be known of a signature in the repository: its remotes' and the system's, and those of
/// `--gpg-homedir`.
pub fn gpg_keyring(repo: &Repo, homedir: Option<&Path>) -> Result<Keyring> {
    let mut keyring = trust::any_keyring(repo)?;
    match homedir {
        Some(home) if home.is_dir() => keyring.add_homedir(home)?,
        Some(file) => keyring.add_file(file).map(|_| ())?,
        None => {}
    }
    Ok(keyring)
}

/// Keys of an engine: `texts`, which `what` gave, and those in files.
pub fn engine_keys(engine: Engine, (what, texts): (&str, &[String]), files: &[PathBuf]) -> Result<Vec<EngineSigner>> {
    let now = SystemTime::now();
    let inline = texts.iter().map(|text| EngineSigner::from_text(engine, what, text, now));
    let files = files.iter().map(|file| EngineSigner::from_file(engine, file, now));
    inline.chain(files).map(|signer| Ok(signer?)).collect()
}

fn place(homedir: Option<&Path>) -> Result<PathBuf> {
    match homedir {
        Some(path) => Ok(path.to_owned()),
        None => SecretKeys::default_place().context("no --gpg-homedir is given, and there is no home directory"),
    }
}
