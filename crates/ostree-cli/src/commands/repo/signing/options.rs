//! The options about signatures that commands share which write something that may be signed.

use std::path::PathBuf;

use anyhow::Result;
use ostree_sign::openpgp::SigningKey;
use ostree_sign::{Engine, EngineSigner};

use crate::commands::repo::signing::keys::{engine_keys, gpg_keys};

/// Keys to sign with.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SignOptions {
    /// GPG key ID to sign with: a fingerprint, a key id, or something of a user id
    #[arg(long, value_name = "KEY-ID")]
    pub gpg_sign: Vec<String>,
    /// GPG home directory to use when looking for keyrings, or a file of exported secret keys
    ///
    /// Keys without a passphrase are read from the directory; for others its gpg-agent is asked, if it runs. The default is
    /// $GNUPGHOME, else ~/.gnupg.
    #[arg(long, value_name = "HOMEDIR", overrides_with = "gpg_homedir")]
    pub gpg_homedir: Option<PathBuf>,
    /// Sign with this secret key, in base64
    #[arg(long, value_name = "KEY_ID")]
    pub sign: Vec<String>,
    /// Sign with the secret key in FILE: a base64 text a line for ed25519, PEM for spki
    #[arg(long, value_name = "FILE")]
    pub sign_from_file: Vec<PathBuf>,
    /// Signature type of --sign and --sign-from-file: ed25519, spki or pgp (default: ed25519)
    #[arg(long, value_name = "NAME", overrides_with = "sign_type")]
    pub sign_type: Option<String>,
}

impl SignOptions {
    /// Whether anything is to be signed.
    pub fn is_asked(&self) -> bool {
        !(self.gpg_sign.is_empty() && self.sign.is_empty() && self.sign_from_file.is_empty())
    }

    /// The OpenPGP keys.
    pub fn gpg_keys(&self) -> Result<Vec<SigningKey>> {
        gpg_keys(self.gpg_homedir.as_deref(), &self.gpg_sign)
    }

    /// The keys of the engine.
    pub fn engine_keys(&self) -> Result<Vec<EngineSigner>> {
        if self.sign.is_empty() && self.sign_from_file.is_empty() {
            return Ok(Vec::new());
        }
        let engine: Engine = self.sign_type.as_deref().unwrap_or("ed25519").parse()?;
        engine_keys(engine, ("--sign", &self.sign), &self.sign_from_file)
    }
}
