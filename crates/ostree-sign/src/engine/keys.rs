//! Key files of the engines, and the system's directories of them.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::engine::{Engine, pem};
use crate::error::SignError;
use crate::key_file;

/// Takes padding and leaves it, as GLib does.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A directory that may hold `trusted.ENGINE`, `revoked.ENGINE`, and directories of such files: `trusted.ENGINE.d`,
/// `revoked.ENGINE.d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDirectory(pub PathBuf);

impl KeyDirectory {
    /// The files with trusted keys of an engine, those that there are.
    pub(super) fn trusted(&self, engine: Engine) -> Result<Vec<PathBuf>, SignError> {
        self.files("trusted", engine)
    }

    /// The files with revoked keys of an engine, those that there are.
    pub(super) fn revoked(&self, engine: Engine) -> Result<Vec<PathBuf>, SignError> {
        self.files("revoked", engine)
    }

    fn files(&self, kind: &str, engine: Engine) -> Result<Vec<PathBuf>, SignError> {
        let file = self.0.join(format!("{kind}.{engine}"));
        let directory = self.0.join(format!("{kind}.{engine}.d"));
        let mut files = if file.is_file() { vec![file] } else { Vec::new() };
        if directory.is_dir() {
            files.extend(key_file::files_of(&directory)?);
        }
        Ok(files)
    }
}

/// A key in an option or a configuration, as bytes.
pub(super) fn inline(engine: Engine, what: &str, text: &str) -> Result<Vec<u8>, SignError> {
    match engine {
        Engine::Dummy | Engine::Pgp => Ok(text.as_bytes().to_vec()),
        Engine::Ed25519 | Engine::Spki => base64(what, text),
    }
}

/// The keys of a file; see [`of_bytes`].
pub(super) fn of_file(engine: Engine, path: &Path, label: &str) -> Result<Vec<Vec<u8>>, SignError> {
    of_bytes(engine, &path.display().to_string(), key_file::read(path)?, label)
}

/// The keys of a file's content: a base64 text a line for ed25519, PEM blocks whose label ends in `label` for spki, all of it
/// for OpenPGP, a line each for the dummy. `what` is named in errors.
pub(super) fn of_bytes(engine: Engine, what: &str, bytes: Vec<u8>, label: &str) -> Result<Vec<Vec<u8>>, SignError> {
    if engine == Engine::Pgp {
        return Ok(vec![bytes]);
    }
    let text = String::from_utf8(bytes).map_err(|_| SignError::malformed(what, "not a text"))?;
    if engine == Engine::Spki {
        let blocks = pem::blocks(what, &text)?;
        return Ok(blocks.into_iter().filter(|(have, _)| have.ends_with(label)).map(|(_, bytes)| bytes).collect());
    }
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    let keys = lines.filter(|(_, line)| !line.is_empty());
    keys.map(|(number, line)| inline(engine, &format!("{what}, line {number}"), line)).collect()
}

fn base64(what: &str, text: &str) -> Result<Vec<u8>, SignError> {
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    // The text may be a secret key and is not repeated.
    BASE64.decode(text).map_err(|_| SignError::malformed(what, "not base64"))
}
