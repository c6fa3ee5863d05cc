//! Reads credential files: `auth.json` (containers-auth.json(5)), `config.json` and the oldest, `.dockercfg`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::credential::Credential;
use super::json::Members;
use super::search::Candidate;
use crate::environment::Environment;
use crate::error::RegistryError;
use crate::limits;

const WHAT: &str = "credential file";

/// Padding is often missing in files written by hand.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Content {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
}

#[derive(Debug)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

/// The file's content; `None` when it is not there, or when nobody asked for it and it is not ours to read.
pub(crate) fn read(candidate: &Candidate, environment: &Environment) -> Result<Option<Content>, RegistryError> {
    let bytes = match environment.read_once(&candidate.path, limits::CREDENTIAL_FILE_BYTES) {
        Ok(bytes) => bytes,
        Err(e) if !candidate.required && is_absent(&e) => return Ok(None),
        Err(e) if !candidate.named && e.kind() == ErrorKind::PermissionDenied => return Ok(None),
        Err(source) => {
            return Err(RegistryError::ReadFile { what: WHAT, path: candidate.path.clone(), source });
        }
    };
    Content::parse(&bytes, candidate.legacy).map(Some).map_err(|reason| bad(&candidate.path, reason))
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn bad(path: &Path, reason: String) -> RegistryError {
    RegistryError::BadFile { what: WHAT, path: path.to_owned(), reason }
}

/// Whether the bytes of a file hold an entry for an image.
pub(crate) fn has_entry(bytes: &[u8], host: &str, repository: &str) -> Result<bool, String> {
    let file = Candidate { path: "auth.json".into(), named: true, required: true, legacy: false };
    let content = Content::parse(bytes, file.legacy)?;
    let entry = content.entry(&file, host, repository).map_err(|error| error.to_string())?;
    Ok(entry.is_some())
}

impl Content {
    /// Reads the bytes of a file, of the oldest form if it is `legacy`; an empty one is as good as one without entries.
    pub(crate) fn parse(bytes: &[u8], legacy: bool) -> Result<Self, String> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        // The parser's message could quote the content, so only its place is told.
        let value = serde_json::from_slice(bytes)
            .map_err(|e| format!("not the expected JSON at line {} column {}", e.line(), e.column()))?;
        let mut members = Members::of(value, "the whole")?;
        if legacy {
            return Ok(Self { auths: entries(members.into_objects()?)?, ..Self::default() });
        }
        let auths = entries(members.objects("auths")?)?;
        let cred_helpers = members.texts("credHelpers")?.into_iter().collect();
        Ok(Self { auths, cred_helpers, creds_store: members.text("credsStore")? })
    }

    /// The helpers for an image and what each is to be asked about, the longest key first.
    pub(crate) fn helpers(&self, host: &str, repository: &str) -> Vec<(&str, String)> {
        let keys = keys(host, repository).into_iter();
        keys.filter_map(|key| Some((self.cred_helpers.get(&key)?.as_str(), key))).collect()
    }

    /// The entry with the longest key that fits an image: its key as it is written, and what it holds.
    pub(crate) fn entry(
        &self,
        candidate: &Candidate,
        host: &str,
        repository: &str,
    ) -> Result<Option<(&str, Credential)>, RegistryError> {
        for key in keys(host, repository) {
            // The key itself counts more than what older tools wrote for it.
            let itself = self.auths.get_key_value(&key);
            let fits = |(written, _): &(&String, &Entry)| **written != key && normal(written, candidate.legacy) == key;
            for (written, entry) in itself.into_iter().chain(self.auths.iter().filter(fits)) {
                let found = entry
                    .credential()
                    .map_err(|reason| bad(&candidate.path, format!("entry {written:?}: {reason}")))?;
                if !found.is_nothing() {
                    return Ok(Some((written, found)));
                }
            }
        }
        Ok(None)
    }

    /// The common helper, and what it is to be asked about.
    pub(crate) fn store<'a>(&'a self, host: &'a str) -> Option<(&'a str, &'a str)> {
        let server = if host == HUB { HUB_SERVER } else { host };
        (!self.creds_store.is_empty()).then_some((self.creds_store.as_str(), server))
    }
}

const HUB: &str = "docker.io";
const HUB_SERVER: &str = "https://index.docker.io/v1/";

/// The keys that fit a repository, the longest first: `host/a/b`, `host/a`, `host`.
fn keys(host: &str, repository: &str) -> Vec<String> {
    let mut key = format!("{host}/{repository}");
    let mut keys = vec![key.clone()];
    while let Some(cut) = key.rfind('/') {
        key.truncate(cut);
        keys.push(key.clone());
    }
    keys
}

/// A key as it is compared: without a scheme, and of an address only its host; the hub's several names are one.
fn normal(key: &str, legacy: bool) -> String {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let host_only = legacy || bare.is_some();
    let bare = bare.unwrap_or(key);
    let (host, rest) = bare.split_once('/').map_or((bare, None), |(host, rest)| (host, Some(rest)));
    let host = if matches!(host, "index.docker.io" | "registry-1.docker.io") { HUB } else { host };
    match rest {
        Some(rest) if !host_only => format!("{host}/{rest}"),
        _ => host.to_owned(),
    }
}

fn entries(objects: Vec<(String, Members)>) -> Result<BTreeMap<String, Entry>, String> {
    let read = |(key, members)| match Entry::read(members) {
        Ok(entry) => Ok((key, entry)),
        Err(reason) => Err(format!("entry {key:?}: {reason}")),
    };
    objects.into_iter().map(read).collect()
}

impl Entry {
    fn read(mut members: Members) -> Result<Self, String> {
        Ok(Self {
            auth: members.text("auth")?,
            username: members.text("username")?,
            password: members.text("password")?,
            identitytoken: members.text("identitytoken")?,
            registrytoken: members.text("registrytoken")?,
        })
    }

    /// What the entry holds: nothing where a helper holds the secret, or where there is no colon in it, as for the other tools.
    fn credential(&self) -> Result<Credential, &'static str> {
        Ok(self.login()?.with_tokens(&self.identitytoken, &self.registrytoken))
    }

    fn login(&self) -> Result<Credential, &'static str> {
        if self.auth.is_empty() {
            return Ok(Credential::login(&*self.username, &*self.password));
        }
        // `base64` breaks its lines.
        let text: Vec<u8> = self.auth.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let mut text = BASE64.decode(text).map_err(|_| "auth is not base64")?;
        // Some writers end the text with NUL bytes.
        text.truncate(text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
        let colon = text.iter().position(|byte| *byte == b':');
        Ok(colon.map_or_else(Credential::default, |colon| Credential::login(&text[..colon], &text[colon + 1..])))
    }
}
