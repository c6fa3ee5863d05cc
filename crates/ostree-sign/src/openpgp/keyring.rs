//! Public keys that are trusted.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use sequoia_openpgp::Cert;
use sequoia_openpgp::serialize::Serialize;

use crate::error::SignError;
use crate::key_file;
use crate::openpgp::certs;
use crate::openpgp::fingerprint::Fingerprint;
use crate::openpgp::homedir;
use crate::openpgp::judge::{self, Facts};
use crate::openpgp::user_id::UserId;

/// A set of public keys. Of a key that comes more than once everything that is known about it counts, above all that it was
/// revoked.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    /// In the order in which they came.
    certs: Vec<Cert>,
    places: BTreeMap<Fingerprint, usize>,
}

/// A key of a keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// The primary key.
    pub fingerprint: Fingerprint,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// When it expires, if it does.
    pub expires: Option<u64>,
    /// Whether it was revoked.
    pub is_revoked: bool,
    /// The user ids, the primary one first.
    pub user_ids: Vec<UserId>,
    /// The other keys that belong to it.
    pub subkeys: Vec<SubkeyInfo>,
}

/// A key that belongs to a primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubkeyInfo {
    /// The key.
    pub fingerprint: Fingerprint,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// When it expires, if it does.
    pub expires: Option<u64>,
}

impl KeyInfo {
    /// Whether `name` means this key: a fingerprint or key id of it or of one that belongs to it, or something of a user id.
    pub fn is_named(&self, name: &str) -> bool {
        let mut keys = std::iter::once(&self.fingerprint).chain(self.subkeys.iter().map(|key| &key.fingerprint));
        keys.any(|key| key.is_named(name)) || self.user_ids.iter().any(|user| user.is_named(name))
    }
}

impl Keyring {
    /// A keyring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the keys of a file's content: binary or armored, any number of either, or a GnuPG keybox. Secret parts are left
    /// out, and so is what is no key that is understood. Gives the primary keys that it holds. `what` is named in errors.
    ///
    /// # Errors
    /// There is something and none of it is a key, or it is larger than [`crate::limits::MAX_KEY_FILE`].
    pub fn add_bytes(&mut self, what: &str, bytes: &[u8]) -> Result<Vec<Fingerprint>, SignError> {
        let certs = certs::parse(what, bytes)?;
        Ok(certs.into_iter().map(|cert| self.add(cert.strip_secret_key_material())).collect())
    }

    /// Adds the keys of a stream; see [`Keyring::add_bytes`].
    pub fn add_reader(&mut self, what: &str, reader: impl Read) -> Result<Vec<Fingerprint>, SignError> {
        self.add_bytes(what, &key_file::read_all(reader, Path::new(what))?)
    }

    /// Adds the keys of a file; see [`Keyring::add_bytes`].
    pub fn add_file(&mut self, path: &Path) -> Result<Vec<Fingerprint>, SignError> {
        self.add_bytes(&path.display().to_string(), &key_file::read(path)?)
    }

    fn add(&mut self, cert: Cert) -> Fingerprint {
        let fingerprint = Fingerprint::from(cert.fingerprint());
        match self.places.get(&fingerprint).and_then(|at| self.certs.get_mut(*at)) {
            Some(known) => {
                // Two of equal fingerprint always merge.
                if let Ok(merged) = known.clone().merge_public(cert) {
                    *known = merged;
                }
            }
            None => {
                self.places.insert(fingerprint.clone(), self.certs.len());
                self.certs.push(cert);
            }
        }
        fingerprint
    }

    /// Adds the public keys of a GnuPG directory.
    pub fn add_homedir(&mut self, home: &Path) -> Result<(), SignError> {
        homedir::certs(home)?.into_iter().for_each(|cert| {
            self.add(cert.strip_secret_key_material());
        });
        Ok(())
    }

    /// Adds all keys of another keyring.
    pub fn merge(&mut self, other: Self) {
        other.certs.into_iter().for_each(|cert| {
            self.add(cert);
        });
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.certs.is_empty()
    }

    /// How many primary keys there are.
    pub fn len(&self) -> usize {
        self.certs.len()
    }

    /// The keys that `keep` holds for, as they are at the time `now`.
    pub fn select(&self, mut keep: impl FnMut(&KeyInfo) -> bool, now: SystemTime) -> Self {
        let mut selected = Self::new();
        self.certs.iter().filter(|cert| keep(&info(cert, now))).for_each(|cert| {
            selected.add(cert.clone());
        });
        selected
    }

    /// The keys as they are at the time `now`, in the order in which they came.
    pub fn keys(&self, now: SystemTime) -> Vec<KeyInfo> {
        self.certs.iter().map(|cert| info(cert, now)).collect()
    }

    /// All keys in binary form, as GnuPG has them in `pubring.gpg`.
    ///
    /// # Errors
    /// A key that could be read cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SignError> {
        let mut bytes = Vec::new();
        for cert in &self.certs {
            cert.serialize(&mut bytes).map_err(|why| SignError::malformed("keyring", why))?;
        }
        Ok(bytes)
    }

    pub(super) fn certs(&self) -> &[Cert] {
        &self.certs
    }
}

fn info(cert: &Cert, now: SystemTime) -> KeyInfo {
    let facts = Facts::of(cert, now);
    let subkeys = cert.keys().subkeys().map(|key| SubkeyInfo {
        fingerprint: key.key().fingerprint().into(),
        created: judge::seconds(key.key().creation_time()),
        expires: judge::key_expiry(cert, &key.key().fingerprint(), now),
    });
    KeyInfo {
        fingerprint: cert.fingerprint().into(),
        created: judge::seconds(cert.primary_key().key().creation_time()),
        expires: facts.primary_expires,
        is_revoked: judge::is_revoked(cert, now),
        user_ids: facts.user_ids,
        subkeys: subkeys.collect(),
    }
}
