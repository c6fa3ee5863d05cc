//! Secret keys: out of exported files and out of GnuPG's directories.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::amalgamation::key::PrimaryKey;
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::policy::StandardPolicy;

use crate::error::SignError;
use crate::key_file;
use crate::openpgp::certs;
use crate::openpgp::fingerprint::Fingerprint;
use crate::openpgp::homedir;
use crate::openpgp::judge::Facts;
use crate::openpgp::signer::{Hand, SigningKey};

/// Where secret keys are kept.
#[derive(Debug)]
pub struct SecretKeys {
    certs: Vec<Cert>,
    place: PathBuf,
    /// Set where the secret parts are kept apart, in a GnuPG directory.
    home: Option<PathBuf>,
}

impl SecretKeys {
    /// The keys of a place: a GnuPG directory (`~/.gnupg`), or a file as `gpg --export-secret-keys` writes it.
    ///
    /// # Errors
    /// It cannot be read, or holds no keys.
    pub fn open(place: &Path) -> Result<Self, SignError> {
        if !place.is_dir() {
            let certs = certs::parse(&place.display().to_string(), &key_file::read(place)?)?;
            return Ok(Self { certs, place: place.to_owned(), home: None });
        }
        let certs = homedir::certs(place)?;
        Ok(Self { certs, place: place.to_owned(), home: Some(place.to_owned()) })
    }

    /// The keys of a file's content.
    pub fn from_bytes(what: &str, bytes: &[u8]) -> Result<Self, SignError> {
        Ok(Self { certs: certs::parse(what, bytes)?, place: PathBuf::from(what), home: None })
    }

    /// The key to sign with where there is one owner only; otherwise as [`SecretKeys::find`].
    pub fn only(&self, now: SystemTime) -> Result<SigningKey, SignError> {
        let first = self.certs.first().map(|cert| Fingerprint::from(cert.fingerprint()).to_string());
        match self.certs.len() {
            0 | 1 => self.find(&first.unwrap_or_default(), now),
            _ => Err(SignError::AmbiguousKey { name: "any key".to_owned(), place: self.place.clone() }),
        }
    }

    /// Where GnuPG keeps its keys by default: `$GNUPGHOME`, else `~/.gnupg`.
    pub fn default_place() -> Option<PathBuf> {
        let named = std::env::var_os("GNUPGHOME").filter(|path| !path.is_empty()).map(PathBuf::from);
        named.or_else(|| std::env::home_dir().map(|home| home.join(".gnupg")))
    }

    /// The key to sign with of the one owner whom `name` means: a fingerprint, a key id, or something of a user id. Of the
    /// owner's keys it is the newest one for signing that can be used at the time `now`.
    ///
    /// # Errors
    /// [`SignError::NoSecretKey`], [`SignError::AmbiguousKey`]; [`SignError::LockedKey`] where the key is kept under a
    /// passphrase and no gpg-agent runs that could be asked; and what goes wrong with files and the agent.
    pub fn find(&self, name: &str, now: SystemTime) -> Result<SigningKey, SignError> {
        let found: Vec<&Cert> = self.certs.iter().filter(|cert| is_named(cert, name, now)).collect();
        let missing = || SignError::NoSecretKey { name: name.to_owned(), place: self.place.clone() };
        let cert = match found.as_slice() {
            [] => return Err(missing()),
            [cert] => cert,
            _ => return Err(SignError::AmbiguousKey { name: name.to_owned(), place: self.place.clone() }),
        };
        let mut problem = missing();
        for key in signing_keys(cert, now) {
            match self.hand(&key) {
                Ok(Some(hand)) => return Ok(SigningKey::new(cert.fingerprint().into(), hand)),
                Ok(None) => {}
                Err(why) => problem = why,
            }
        }
        Err(problem)
    }

    /// How to sign with a key; `None` if it is not here.
    fn hand(
        &self,
        key: &Key<sequoia_openpgp::packet::key::UnspecifiedParts, UnspecifiedRole>,
    ) -> Result<Option<Hand>, SignError> {
        if key.has_unencrypted_secret() {
            let pair = key.clone().parts_into_secret().and_then(Key::into_keypair);
            let what = self.place.display().to_string();
            return pair.map(|pair| Some(Hand::local(pair))).map_err(|why| SignError::malformed(what, why));
        }
        let public: Key<PublicParts, UnspecifiedRole> = key.clone().parts_into_public();
        if let Some(home) = &self.home {
            return homedir::hand(home, &public);
        }
        if key.has_secret() {
            return Err(SignError::LockedKey { key: public.fingerprint().into(), place: self.place.clone() });
        }
        Ok(None)
    }
}

fn is_named(cert: &Cert, name: &str, now: SystemTime) -> bool {
    let by_key = cert.keys().any(|key| Fingerprint::from(key.key().fingerprint()).is_named(name));
    by_key || Facts::of(cert, now).user_ids.iter().any(|user| user.is_named(name))
}

/// The keys that may sign, in the order in which GnuPG would take them.
fn signing_keys(
    cert: &Cert,
    now: SystemTime,
) -> Vec<Key<sequoia_openpgp::packet::key::UnspecifiedParts, UnspecifiedRole>> {
    let policy = StandardPolicy::new();
    let usable = cert.keys().with_policy(&policy, now).supported().alive().revoked(false).for_signing();
    let mut keys: Vec<_> = usable.map(|key| (key.primary(), key.key().creation_time(), key.key().clone())).collect();
    keys.sort_by(|(a_primary, a_made, _), (b_primary, b_made, _)| (a_primary, b_made).cmp(&(b_primary, a_made)));
    keys.into_iter().map(|(_, _, key)| key.parts_into_unspecified()).collect()
}
