//! A secret key of one engine.

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use crate::engine::{Engine, dummy, ed25519, keys, spki};
use crate::error::SignError;
use crate::openpgp::{SecretKeys, SigningKey};

/// What a PEM block with a secret key is called; `EC PRIVATE KEY` and `RSA PRIVATE KEY` end so too.
const SECRET_LABEL: &str = "PRIVATE KEY";

/// A secret key that makes signatures of one engine. Nothing of it is ever shown.
pub struct EngineSigner(Kind);

enum Kind {
    Ed25519(Box<ed25519_dalek::SigningKey>),
    Spki(spki::Secret),
    Pgp(Box<SigningKey>),
    Dummy(Vec<u8>),
}

impl EngineSigner {
    /// A key as it stands in an option: base64 for ed25519 and spki, an armored key for OpenPGP, any text for the dummy.
    /// `what` is named in errors.
    pub fn from_text(engine: Engine, what: &str, text: &str, now: SystemTime) -> Result<Self, SignError> {
        Self::from_bytes(engine, what, &keys::inline(engine, what, text)?, now)
    }

    /// The first key of a file.
    pub fn from_file(engine: Engine, path: &Path, now: SystemTime) -> Result<Self, SignError> {
        let what = path.display().to_string();
        match keys::of_file(engine, path, SECRET_LABEL)?.first() {
            Some(key) => Self::from_bytes(engine, &what, key, now),
            None => Err(SignError::malformed(what, format!("no {engine} key"))),
        }
    }

    fn from_bytes(engine: Engine, what: &str, bytes: &[u8], now: SystemTime) -> Result<Self, SignError> {
        Ok(Self(match engine {
            Engine::Ed25519 => Kind::Ed25519(Box::new(ed25519::secret(what, bytes)?)),
            Engine::Spki => Kind::Spki(spki::Secret::from_der(what, bytes)?),
            Engine::Pgp => Kind::Pgp(Box::new(SecretKeys::from_bytes(what, bytes)?.only(now)?)),
            Engine::Dummy => {
                dummy::check()?;
                Kind::Dummy(bytes.to_vec())
            }
        }))
    }

    /// The engine.
    pub fn engine(&self) -> Engine {
        match &self.0 {
            Kind::Ed25519(_) => Engine::Ed25519,
            Kind::Spki(_) => Engine::Spki,
            Kind::Pgp(_) => Engine::Pgp,
            Kind::Dummy(_) => Engine::Dummy,
        }
    }

    /// The signature over `message`; OpenPGP dates it `now`.
    pub fn sign(&mut self, message: &[u8], now: SystemTime) -> Result<Vec<u8>, SignError> {
        match &mut self.0 {
            Kind::Ed25519(key) => Ok(ed25519::sign(key, message)),
            Kind::Spki(key) => key.sign("signing with spki", message),
            Kind::Pgp(key) => key.sign_detached(message, now),
            Kind::Dummy(key) => Ok(key.clone()),
        }
    }
}

impl fmt::Debug for EngineSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EngineSigner").field(&self.engine()).finish()
    }
}
