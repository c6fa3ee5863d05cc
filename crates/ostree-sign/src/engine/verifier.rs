//! The keys of one engine that are trusted, and what they say of signatures.

use std::path::Path;
use std::time::SystemTime;

use crate::engine::keys::{self, KeyDirectory};
use crate::engine::{Engine, dummy, ed25519, spki};
use crate::error::SignError;
use crate::key_file;
use crate::limits::MAX_SIGNATURES;
use crate::openpgp::Keyring;

/// How many keys an error lists.
const LISTED_KEYS: usize = 3;

/// What a PEM block with a public key is called.
const PUBLIC_LABEL: &str = "PUBLIC KEY";

/// Trusted and revoked public keys of one engine.
#[derive(Debug, Clone)]
pub struct EngineVerifier {
    engine: Engine,
    trusted: Vec<Vec<u8>>,
    revoked: Vec<Vec<u8>>,
    keyring: Keyring,
}

impl EngineVerifier {
    /// A verifier without keys, which accepts nothing.
    ///
    /// # Errors
    /// [`SignError::DummyDisabled`].
    pub fn new(engine: Engine) -> Result<Self, SignError> {
        if engine == Engine::Dummy {
            dummy::check()?;
        }
        Ok(Self { engine, trusted: Vec::new(), revoked: Vec::new(), keyring: Keyring::new() })
    }

    /// The engine.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Whether there is no key that is trusted, be it a revoked one.
    pub fn is_empty(&self) -> bool {
        self.trusted.is_empty() && self.keyring.is_empty()
    }

    /// Trusts a key as it stands in an option or a configuration. `what` is named in errors.
    pub fn trust_inline(&mut self, what: &str, text: &str) -> Result<(), SignError> {
        let key = keys::inline(self.engine, what, text)?;
        self.trust(what, key)
    }

    /// Trusts the keys of a file.
    pub fn trust_file(&mut self, path: &Path) -> Result<(), SignError> {
        self.trust_bytes(&path.display().to_string(), key_file::read(path)?)
    }

    /// Trusts the keys of a file's content: a base64 text a line for ed25519, PEM for spki, a keyring for OpenPGP.
    pub fn trust_bytes(&mut self, what: &str, bytes: Vec<u8>) -> Result<(), SignError> {
        let keys = keys::of_bytes(self.engine, what, bytes, PUBLIC_LABEL)?;
        keys.into_iter().try_for_each(|key| self.trust(what, key))
    }

    /// Trusts the trusted keys of a directory.
    pub fn trust_directory(&mut self, directory: &KeyDirectory) -> Result<(), SignError> {
        directory.trusted(self.engine)?.iter().try_for_each(|file| self.trust_file(file))
    }

    /// Does not accept the revoked keys of a directory, wherever they were said to be trusted.
    pub fn revoke_directory(&mut self, directory: &KeyDirectory) -> Result<(), SignError> {
        for file in directory.revoked(self.engine)? {
            if self.engine == Engine::Pgp {
                let mut revoked = Keyring::new();
                revoked.add_file(&file)?;
                let named = revoked.keys(SystemTime::UNIX_EPOCH).into_iter().map(|key| key.fingerprint);
                self.revoked.extend(named.map(|name| name.as_bytes().to_vec()));
            } else {
                self.revoked.extend(keys::of_file(self.engine, &file, PUBLIC_LABEL)?);
            }
        }
        Ok(())
    }

    fn trust(&mut self, what: &str, key: Vec<u8>) -> Result<(), SignError> {
        match self.engine {
            Engine::Pgp => return self.keyring.add_bytes(what, &key).map(|_| ()),
            Engine::Ed25519 => ed25519::check_public(what, &key)?,
            Engine::Spki => spki::Public::from_der(what, &key).map(|_| ())?,
            Engine::Dummy => {}
        }
        if !self.trusted.contains(&key) {
            self.trusted.push(key);
        }
        Ok(())
    }

    /// Checks that one of the signatures is one over `message` by a trusted key at the time `now`, and says by which.
    ///
    /// # Errors
    /// [`SignError::NotVerified`], whose text says how many keys were tried.
    pub fn verify(&self, message: &[u8], signatures: &[Vec<u8>], now: SystemTime) -> Result<String, SignError> {
        if signatures.len() > MAX_SIGNATURES {
            return Err(self.refusal(format!("more than {MAX_SIGNATURES} signatures")));
        }
        if self.engine == Engine::Pgp {
            return self.verify_pgp(message, signatures, now);
        }
        let mut tried = Vec::new();
        for signature in signatures {
            for key in self.trusted.iter().filter(|key| !self.revoked.contains(key)) {
                if self.is_by(key, signature, message)? {
                    return Ok(match self.engine {
                        Engine::Dummy => "dummy: Signature verified".to_owned(),
                        engine => format!("{engine}: Signature verified successfully with key '{}'", hex::encode(key)),
                    });
                }
                tried.push(key);
            }
        }
        Err(self.refusal(match tried.as_slice() {
            [] => "no signatures found".to_owned(),
            _ if self.engine == Engine::Dummy => "Signature couldn't be verified".to_owned(),
            few if few.len() <= LISTED_KEYS => {
                let keys: Vec<String> = few.iter().map(|key| format!("key '{}'", hex::encode(key))).collect();
                format!("Signature couldn't be verified with: {}", keys.join("; "))
            }
            many => format!("Signature couldn't be verified; tried {} keys", many.len()),
        }))
    }

    /// Whether the signature is one over `message` by a key that is trusted here, or would be were it not revoked.
    pub fn is_signed(&self, message: &[u8], signature: &[u8], now: SystemTime) -> bool {
        match self.engine {
            Engine::Pgp => {
                self.keyring.verify_detached(signature, message, now).iter().any(|report| report.primary.is_some())
            }
            _ => self.trusted.iter().any(|key| self.is_by(key, signature, message).unwrap_or(false)),
        }
    }

    fn is_by(&self, key: &[u8], signature: &[u8], message: &[u8]) -> Result<bool, SignError> {
        match self.engine {
            Engine::Ed25519 => ed25519::verify(key, signature, message),
            Engine::Spki => spki::Public::from_der("spki key", key).map(|key| key.verify(signature, message)),
            Engine::Dummy => Ok(key == signature),
            Engine::Pgp => Ok(false),
        }
    }

    fn verify_pgp(&self, message: &[u8], signatures: &[Vec<u8>], now: SystemTime) -> Result<String, SignError> {
        let mut problems = Vec::new();
        for signature in signatures {
            for report in self.keyring.verify_detached(signature, message, now) {
                let is_revoked =
                    report.primary.as_ref().is_some_and(|key| self.revoked.iter().any(|name| name == key.as_bytes()));
                if report.outcome.is_good() && !is_revoked {
                    return Ok(format!("pgp: Signature verified successfully with key '{}'", report.key_name()));
                }
                let verdict = if is_revoked { "the key was revoked".to_owned() } else { report.outcome.to_string() };
                problems.push(format!("key '{}': {verdict}", report.key_name()));
            }
        }
        Err(self.refusal(match problems.is_empty() {
            true => "no signatures found".to_owned(),
            false => format!("Signature couldn't be verified: {}", problems.join("; ")),
        }))
    }

    fn refusal(&self, reason: String) -> SignError {
        SignError::NotVerified(format!("{}: {reason}", self.engine))
    }
}
