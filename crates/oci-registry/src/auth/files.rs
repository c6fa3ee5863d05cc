//! Reads credential files: `auth.json` (containers-auth.json(5)) and the older `config.json`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use super::credential::{Credential, Secret};
use super::helpers;
use super::search::Candidate;
use crate::error::RegistryError;
use crate::{file, limits};

const WHAT: &str = "credential file";

/// Padding is often missing in files written by hand.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Content {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

/// The credentials for `host`/`repository` in the first file that has some; `None` when no file has.
pub(crate) fn find(
    candidates: &[Candidate],
    host: &str,
    repository: &str,
) -> Result<Option<Credential>, RegistryError> {
    for candidate in candidates {
        let Some(content) = read(candidate)? else { continue };
        if let Some(found) = look_up(&content, candidate, host, repository)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The file's content; `None` when it is not there, or when nobody asked for it and it is not ours to read.
fn read(candidate: &Candidate) -> Result<Option<Content>, RegistryError> {
    let bytes = match file::read_raw(&candidate.path, limits::CREDENTIAL_FILE_BYTES) {
        Ok(bytes) => bytes,
        Err(e) if !candidate.required && is_absent(e.kind()) => return Ok(None),
        Err(source) => {
            return Err(RegistryError::ReadFile { what: WHAT, path: candidate.path.clone(), source });
        }
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Some(Content::default()));
    }
    // The parser's message could quote the content, so only its place is told.
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|e| bad(&candidate.path, format!("not the expected JSON at line {} column {}", e.line(), e.column())))
}

fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied)
}

fn bad(path: &Path, reason: String) -> RegistryError {
    RegistryError::BadFile { what: WHAT, path: path.to_owned(), reason }
}

/// Within one file: a helper for the registry, then an entry (the longest key that fits), then the common helper.
fn look_up(
    content: &Content,
    candidate: &Candidate,
    host: &str,
    repository: &str,
) -> Result<Option<Credential>, RegistryError> {
    let keys = keys(host, repository);
    for key in &keys {
        if let Some(helper) = content.cred_helpers.get(key)
            && let Some(found) = helpers::get(helper, key)?
        {
            return Ok(Some(found));
        }
    }
    for key in &keys {
        let fits = |(written, _): &(&String, &Entry)| normal(written, candidate.legacy) == *key;
        for (written, entry) in content.auths.iter().filter(fits) {
            let found =
                entry.credential().map_err(|reason| bad(&candidate.path, format!("entry {written:?}: {reason}")))?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    if content.creds_store.is_empty() {
        return Ok(None);
    }
    let server = if host == HUB { HUB_SERVER } else { host };
    helpers::get(&content.creds_store, server)
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

impl Entry {
    /// What the entry holds; `None` for an empty one, as is left behind where a helper holds the secret.
    fn credential(&self) -> Result<Option<Credential>, &'static str> {
        if !self.registrytoken.is_empty() {
            return Ok(Some(Credential::Bearer(Secret::new(&*self.registrytoken))));
        }
        if !self.identitytoken.is_empty() {
            return Ok(Some(Credential::Identity(Secret::new(&*self.identitytoken))));
        }
        if !self.auth.is_empty() {
            let bytes = BASE64.decode(self.auth.trim()).map_err(|_| "auth is not base64")?;
            let text = String::from_utf8(bytes).map_err(|_| "auth is not text")?;
            let (user, password) = text.split_once(':').ok_or("auth has no colon")?;
            // Some writers end the text with NUL bytes.
            return Ok(Some(Credential::basic(user, password.trim_end_matches('\0'))));
        }
        Ok((!self.username.is_empty()).then(|| Credential::basic(&self.username, &self.password)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn found(text: &str, host: &str, repository: &str) -> Result<Option<Credential>, RegistryError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("auth.json");
        fs::write(&path, text).unwrap();
        find(&[Candidate { path, required: true, legacy: false }], host, repository)
    }

    const FILE: &str = r#"{"auths":{
        "h.example":{"auth":"aDpo"}, "h.example/a":{"auth":"YTph"}, "h.example/a/b":{"auth":"YjpiOmM"},
        "https://index.docker.io/v1/":{"username":"hub","password":"x"}, "t.example":{"identitytoken":"idt"}, "e.example":{}}}"#;

    #[test]
    fn the_longest_key_wins() {
        let of = |host, repository| found(FILE, host, repository).unwrap();
        assert_eq!(of("h.example", "x"), Some(Credential::basic("h", "h")));
        assert_eq!(of("h.example", "ab"), Some(Credential::basic("h", "h")));
        assert_eq!(of("h.example", "a/x"), Some(Credential::basic("a", "a")));
        assert_eq!(of("h.example", "a/b/c"), Some(Credential::basic("b", "b:c")));
        assert_eq!(of("docker.io", "library/x"), Some(Credential::basic("hub", "x")));
        assert_eq!(of("t.example", "x"), Some(Credential::Identity(Secret::new("idt"))));
        assert_eq!(of("e.example", "x"), None);
        assert_eq!(of("h.example:5000", "x"), None);
    }

    #[test]
    fn the_first_file_with_an_entry_wins() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();
            Candidate { path, required: false, legacy: false }
        };
        let absent = Candidate { path: dir.path().join("absent"), required: false, legacy: false };
        let files = [
            absent.clone(),
            file("1", r#"{"auths":{"other":{"auth":"eDp4"}}}"#),
            file("2", r#"{"auths":{"h":{"auth":"MTox"}}}"#),
            file("3", r#"{"auths":{"h/a":{"auth":"Mjoy"}}}"#),
        ];
        assert_eq!(find(&files, "h", "a").unwrap(), Some(Credential::basic("1", "1")));
        assert!(find(&[Candidate { required: true, ..absent }], "h", "a").is_err());
    }

    #[test]
    fn broken_files_are_errors_that_tell_no_secret() {
        for text in
            ["{\"auths\": {\"h\": {\"auth\": 17", r#"{"auths":{"h":{"auth":"c2VjcmV0"}}}"#, r#"{"auths":"c2VjcmV0"}"#]
        {
            let message = found(text, "h", "a").unwrap_err().to_string();
            assert!(!message.contains("c2VjcmV0") && !message.contains("secret"), "{message}");
        }
    }
}
