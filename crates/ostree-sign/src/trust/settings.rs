//! What a remote's configuration says about signatures.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::engine::{Engine, KeyDirectory, UnknownEngine};

/// `sign-verify` and `sign-verify-summary`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SignVerify {
    /// Not asked for.
    #[default]
    Off,
    /// One signature of any engine, with its configured keys, else those of the system.
    Any,
    /// One signature of one of these engines, each of which must have configured keys.
    Of(Vec<Engine>),
}

impl SignVerify {
    /// Reads the value of the key: `true`, `1`, `false`, `0`, or names of engines with `;` or `,` between them.
    ///
    /// # Errors
    /// The name of an engine that there is not.
    pub fn parse(text: &str) -> Result<Self, UnknownEngine> {
        match text {
            "" | "false" | "0" => Ok(Self::Off),
            "true" | "1" => Ok(Self::Any),
            list => {
                let names = list.split([';', ',']).filter(|name| !name.is_empty());
                let engines = names.map(|name| name.trim().parse()).collect::<Result<Vec<Engine>, _>>()?;
                if engines.is_empty() { Err(UnknownEngine) } else { Ok(Self::Of(engines)) }
            }
        }
    }
}

/// The configured keys of one engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineKeys {
    /// `verification-ENGINE-key`
    pub key: Option<String>,
    /// `verification-ENGINE-file`
    pub file: Option<PathBuf>,
}

/// What a remote's configuration says about signatures, and where the system keeps keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemoteTrust {
    /// The remote.
    pub name: String,
    /// `gpg-verify`: whether commits must have an OpenPGP signature. Remotes have it on unless they say otherwise.
    pub gpg_verify: bool,
    /// `gpg-verify-summary`: whether the summary must have one.
    pub gpg_verify_summary: bool,
    /// `sign-verify`: whether commits must have a signature of an engine.
    pub sign_verify: SignVerify,
    /// `sign-verify-summary`: whether the summary must have one.
    pub sign_verify_summary: SignVerify,
    /// The configured keys of engines.
    pub engine_keys: BTreeMap<Engine, EngineKeys>,
    /// `gpgkeypath`: armored key files, or directories of them, that are trusted in addition.
    pub gpg_key_paths: Vec<PathBuf>,
    /// Where the remote's own keyring may be; the first that is there counts, and then no global one does.
    pub keyrings: Vec<PathBuf>,
    /// The directory of the global keyrings.
    pub global_keyrings: PathBuf,
    /// The system's directories with keys of engines.
    pub key_directories: Vec<KeyDirectory>,
}
