//! The keys that a remote's configuration names, read.

use std::path::Path;

use crate::engine::{Engine, EngineVerifier};
use crate::error::SignError;
use crate::key_file;
use crate::openpgp::Keyring;
use crate::trust::settings::{EngineKeys, RemoteTrust, SignVerify};

/// Files of a global keyring directory that are no keyrings, although they are named so.
const NO_KEYRINGS: [&str; 2] = ["trustdb.gpg", "secring.gpg"];

impl RemoteTrust {
    /// The public keys that may sign for the remote: its own keyring, or the global ones where it has none, and those of
    /// `gpgkeypath`.
    pub fn keyring(&self) -> Result<Keyring, SignError> {
        let mut keyring = Keyring::new();
        match self.keyrings.iter().find(|path| path.exists()) {
            Some(path) => keyring.add_file(path).map(|_| ())?,
            None => add_global(&mut keyring, &self.global_keyrings)?,
        }
        for path in &self.gpg_key_paths {
            if path.is_dir() {
                key_file::files_of(path)?.iter().try_for_each(|file| keyring.add_file(file).map(|_| ()))?;
            } else {
                keyring.add_file(path)?;
            }
        }
        Ok(keyring)
    }

    /// The verifiers of the engines that are asked for; `None` if none is.
    pub(super) fn verifiers(&self, asked: &SignVerify) -> Result<Option<Vec<EngineVerifier>>, SignError> {
        let load = |engine: Engine, is_required: bool| self.verifier(engine, is_required);
        match asked {
            SignVerify::Off => Ok(None),
            SignVerify::Of(engines) => {
                engines.iter().map(|engine| load(*engine, true)).collect::<Result<_, _>>().map(Some)
            }
            SignVerify::Any => {
                // An engine that is switched off has nothing to say.
                let usable = Engine::ALL.into_iter().filter(|engine| EngineVerifier::new(*engine).is_ok());
                usable.map(|engine| load(engine, false)).collect::<Result<_, _>>().map(Some)
            }
        }
    }

    fn verifier(&self, engine: Engine, is_required: bool) -> Result<EngineVerifier, SignError> {
        let mut verifier = EngineVerifier::new(engine)?;
        let keys = self.engine_keys.get(&engine).filter(|keys| **keys != EngineKeys::default());
        match keys {
            Some(keys) => {
                if let Some(file) = &keys.file {
                    verifier.trust_file(file)?;
                }
                if let Some(key) = &keys.key {
                    verifier.trust_inline(&format!("verification-{engine}-key"), key)?;
                }
            }
            None if is_required => return Err(SignError::NoEngineKeys { engine }),
            None => self.key_directories.iter().try_for_each(|directory| verifier.trust_directory(directory))?,
        }
        self.key_directories.iter().try_for_each(|directory| verifier.revoke_directory(directory))?;
        Ok(verifier)
    }
}

/// Adds the keyrings of the global directory; it need not be there.
fn add_global(keyring: &mut Keyring, directory: &Path) -> Result<(), SignError> {
    if !directory.is_dir() {
        return Ok(());
    }
    let is_keyring = |file: &Path| {
        file.extension().is_some_and(|extension| extension == "gpg")
            && !file.file_name().is_some_and(|name| NO_KEYRINGS.iter().any(|other| name == *other))
    };
    key_file::files_of(directory)?
        .iter()
        .filter(|file| is_keyring(file))
        .try_for_each(|file| keyring.add_file(file).map(|_| ()))
}
