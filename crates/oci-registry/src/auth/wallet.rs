//! Finds the credentials for an image: which file, entry or helper has them.

use std::fmt;

use super::credential::Credential;
use super::files;
use super::helpers;
use super::search::{self, Candidate};
use crate::environment::Environment;
use crate::error::RegistryError;
use crate::options::{Listener, RegistryOptions};

/// The word in `credential-helpers` that stands for the credential files.
const FILES: &str = "containers-auth.json";

/// The credential files of a session.
pub(crate) struct Wallet {
    environment: Environment,
    candidates: Vec<Candidate>,
    listener: Option<Listener>,
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wallet").field("candidates", &self.candidates).finish_non_exhaustive()
    }
}

/// Credentials and where they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The credentials.
    pub(crate) credential: Credential,
    /// The file and entry, or the helper, in words.
    pub(crate) source: String,
}

impl Wallet {
    /// The files that the options and the surroundings name. None is opened yet.
    pub(crate) fn new(options: &RegistryOptions) -> Self {
        Self {
            environment: options.environment.clone(),
            candidates: search::candidates(&options.environment, options.authfile.as_deref()),
            listener: options.debug_auth.clone(),
        }
    }

    /// The credentials for `host`/`repository`, from the first of the `helpers` of `registries.conf` that has some: the
    /// files, where nothing else is said. A helper that fails is an error only when no other has any.
    pub(crate) fn find(
        &self,
        host: &str,
        repository: &str,
        helpers: Option<&[String]>,
    ) -> Result<Option<Found>, RegistryError> {
        let files = [FILES.to_owned()];
        let mut failure = None;
        for helper in helpers.unwrap_or(&files) {
            let found = if helper == FILES {
                self.in_files(host, repository)
            } else {
                let found = helpers::get(helper, host, &self.environment);
                found.map(|found| found.map(|credential| by_helper(credential, helper, "credential-helpers")))
            };
            match found {
                Ok(Some(found)) => {
                    self.tell(host, repository, &format!("{} ({})", found.source, found.credential.kind()));
                    return Ok(Some(found));
                }
                Ok(None) if helper == FILES => {}
                Ok(None) => self.tell(host, repository, &format!("docker-credential-{helper} has none")),
                Err(error) => {
                    self.tell(host, repository, &error.to_string());
                    failure = failure.or(Some(error));
                }
            }
        }
        match failure {
            Some(error) => Err(error),
            None => {
                self.tell(host, repository, "none, going on without");
                Ok(None)
            }
        }
    }

    /// In the first file that has an entry: a helper for the registry, an entry, the common helper.
    fn in_files(&self, host: &str, repository: &str) -> Result<Option<Found>, RegistryError> {
        for candidate in &self.candidates {
            let path = candidate.path.display();
            let Some(content) = files::read(candidate, &self.environment)? else {
                self.tell(host, repository, &format!("{path} is not there, or not ours to read"));
                continue;
            };
            let helpers = content.helpers(host, repository);
            for (helper, key) in &helpers {
                if let Some(credential) = helpers::get(helper, key, &self.environment)? {
                    return Ok(Some(by_helper(credential, helper, &format!("credHelpers of {path}"))));
                }
            }
            if !helpers.is_empty() {
                // What is left of an entry beside a helper is not what the user means (containers-auth.json(5)).
                self.tell(host, repository, &format!("{path} leaves it to a helper, which has none"));
                continue;
            }
            if let Some((entry, credential)) = content.entry(candidate, host, repository)? {
                return Ok(Some(Found { credential, source: format!("entry {entry:?} of {path}") }));
            }
            match content.store(host).map(|(helper, key)| (helper, helpers::get(helper, key, &self.environment))) {
                Some((helper, Ok(Some(credential)))) => {
                    return Ok(Some(by_helper(credential, helper, &format!("credsStore of {path}"))));
                }
                // Where a file was copied from another machine, its store is not there. Nothing was said of this image.
                Some((_, Err(error))) => self.tell(host, repository, &format!("credsStore of {path}: {error}")),
                Some((_, Ok(None))) | None => self.tell(host, repository, &format!("{path} has no entry that counts")),
            }
        }
        Ok(None)
    }

    /// Says where credentials were looked for and found, to whoever wants to know; never what they are.
    fn tell(&self, host: &str, repository: &str, words: &str) {
        if let Some(listener) = &self.listener {
            listener(&format!("credentials for {host}/{repository}: {words}"));
        }
    }
}

fn by_helper(credential: Credential, helper: &str, place: &str) -> Found {
    Found { credential, source: format!("docker-credential-{helper} ({place})") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    const FILE: &str = r#"{"auths":{
        "h.example":{"auth":"aDpo"}, "h.example/a":{"auth":"YTph"}, "h.example/a/b":{"auth":"YjpiOmM"},
        "https://index.docker.io/v1/":{"username":"hub","password":"x"}, "t.example":{"identitytoken":"idt"}, "e.example":{}}}"#;

    fn wallet(root: &Path, file: &str) -> Wallet {
        fs::write(root.join("auth.json"), file).unwrap();
        let environment = Environment::new(root, 0, &[("PATH", root.to_str().unwrap())]);
        Wallet::new(&RegistryOptions { authfile: Some(root.join("auth.json")), environment, ..Default::default() })
    }

    fn found(text: &str, host: &str, repository: &str) -> Result<Option<Credential>, RegistryError> {
        let dir = tempfile::tempdir().unwrap();
        Ok(wallet(dir.path(), text).find(host, repository, None)?.map(|found| found.credential))
    }

    fn helper(root: &Path, name: &str, script: &str) {
        let path = root.join(format!("docker-credential-{name}"));
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_longest_key_wins() {
        let of = |host, repository| found(FILE, host, repository).unwrap();
        assert_eq!(of("h.example", "x"), Some(Credential::login("h", "h")));
        assert_eq!(of("h.example", "ab"), Some(Credential::login("h", "h")));
        assert_eq!(of("h.example", "a/x"), Some(Credential::login("a", "a")));
        assert_eq!(of("h.example", "a/b/c"), Some(Credential::login("b", "b:c")));
        assert_eq!(of("docker.io", "library/x"), Some(Credential::login("hub", "x")));
        assert_eq!(of("t.example", "x"), Some(Credential::identity("idt")));
        assert_eq!(of("e.example", "x"), None);
        assert_eq!(of("h.example:5000", "x"), None);
    }

    #[test]
    fn files_are_read_as_other_tools_read_them() {
        let login = |user, password| Some(Credential::login(user, password));
        let both = login("a", "a").map(|login| login.with_tokens("idt", ""));
        for (text, expected) in [
            (r#"{"auths":{"https://h/v1/":{"auth":"MTox"},"h":{"auth":"Mjoy"}}}"#, login("2", "2")),
            (r#"{"auths":{"h":{},"https://h/v1/":{"auth":"MTox"}}}"#, login("1", "1")),
            (
                r#"{"auths":{"x":null,"h":{"auth":"YTph","identitytoken":null}},"credHelpers":null,"credsStore":null}"#,
                login("a", "a"),
            ),
            (r#"{"Auths":{"h":{"Auth":"YTph"}}}"#, login("a", "a")),
            (r#"{"auths":{"h":{"auth":"YTph","auth":"Mjoy"}}}"#, login("2", "2")),
            (r#"{"auths":{"h":{"auth":"YT\r\nph\n"}}}"#, login("a", "a")),
            (r#"{"auths":{"h":{"auth":"YTph","identitytoken":"idt"}}}"#, both),
            (r#"{"auths":{"h":{"auth":"c2VjcmV0"}}}"#, None),
            (r#"{"auths":{"h":{"auth":"Og=="}}}"#, None),
            (r#"{"credsStore":"surely-not-there"}"#, None),
            ("null", None),
            (" \n", None),
        ] {
            assert_eq!(found(text, "h", "x").unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_file_is_one_object_or_nothing() {
        for text in ["[]", "{", "\"auths\""] {
            let error = found(text, "h.example", "x").expect_err(text).to_string();
            assert!(error.contains("auth.json"), "{error}");
        }
    }

    #[test]
    fn a_file_is_read_once() {
        let dir = tempfile::tempdir().unwrap();
        let wallet = wallet(dir.path(), FILE);
        let first = wallet.find("h.example", "a", None).unwrap();
        assert!(first.is_some());
        fs::write(dir.path().join("auth.json"), "{}").unwrap();
        assert_eq!(wallet.find("h.example", "a", None).unwrap(), first);
    }

    #[test]
    fn a_file_without_an_entry_leaves_it_to_the_next() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("etc/ostree")).unwrap();
        fs::write(dir.path().join("etc/ostree/auth.json"), r#"{"auths":{"h":{"auth":"MTox"}}}"#).unwrap();
        fs::create_dir_all(dir.path().join("usr/lib/ostree")).unwrap();
        fs::write(dir.path().join("usr/lib/ostree/auth.json"), r#"{"auths":{"h/a":{"auth":"Mjoy"}}}"#).unwrap();
        let wallet = wallet(dir.path(), "{}");
        let found = wallet.find("h", "a", None).unwrap().unwrap();
        assert_eq!(found.credential, Credential::login("1", "1"));
        assert!(
            found.source.ends_with("etc/ostree/auth.json") && found.source.starts_with("entry \"h\""),
            "{}",
            found.source
        );
        fs::remove_file(dir.path().join("auth.json")).unwrap();
        let absent =
            Wallet::new(&RegistryOptions { authfile: Some(dir.path().join("auth.json")), ..Default::default() });
        assert!(absent.find("h", "a", None).is_err(), "a file that was named must be there");
    }

    #[test]
    fn helpers_before_entries_before_the_common_helper() {
        let dir = tempfile::tempdir().unwrap();
        helper(
            dir.path(),
            "own",
            r#"read host; test "$host" = h && echo '{"Username":"own","Secret":"s"}' ||
            { echo 'credentials not found in native keychain'; exit 1; }"#,
        );
        helper(dir.path(), "all", r#"echo '{"Username":"<token>","Secret":"tok"}'"#);
        helper(dir.path(), "bad", "echo broken; exit 1");
        let text = r#"{"credHelpers":{"h":"own","g":"own"},"credsStore":"all",
            "auths":{"h":{"auth":"MTox"},"g":{"auth":"Mjoy"}}}"#;
        let wallet = wallet(dir.path(), text);
        let of = |host: &str, helpers: &[&str]| {
            let helpers: Vec<String> = helpers.iter().map(|helper| (*helper).to_owned()).collect();
            let found = wallet.find(host, "a", (!helpers.is_empty()).then_some(&helpers));
            found.map(|found| found.map(|found| found.credential)).map_err(|error| error.to_string())
        };
        assert_eq!(of("h", &[]), Ok(Some(Credential::login("own", "s"))));
        assert_eq!(of("g", &[]), Ok(None), "the entry beside a helper");
        assert_eq!(of("x", &[]), Ok(Some(Credential::identity("tok"))));
        assert_eq!(of("g", &["own"]), Ok(None));
        assert_eq!(of("g", &["all", FILES]), Ok(Some(Credential::identity("tok"))));
        assert_eq!(of("x", &["bad", FILES]), Ok(Some(Credential::identity("tok"))));
        assert!(of("g", &["bad", "own"]).unwrap_err().contains("docker-credential-bad"));
    }

    #[test]
    fn what_is_told_holds_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let told = Arc::new(Mutex::new(String::new()));
        let mut wallet = wallet(dir.path(), FILE);
        let writer = Arc::clone(&told);
        wallet.listener = Some(Arc::new(move |line: &str| *writer.lock().unwrap() += line));
        for host in ["h.example", "t.example", "docker.io", "n.example"] {
            wallet.find(host, "a/b", None).unwrap();
        }
        let told = told.lock().unwrap();
        assert!(told.contains("entry \"h.example/a/b\" of ") && told.contains("identity token"), "{told}");
        assert!(told.contains("none") && told.contains("is not there, or"), "{told}");
        for secret in ["YjpiOmM", "b:c", "idt", "hub"] {
            assert!(!told.replace("/hub", "").contains(secret), "{told}");
        }
    }

    #[test]
    fn broken_files_are_errors_that_tell_no_secret() {
        for text in
            ["{\"auths\": {\"h\": {\"auth\": 17", r#"{"auths":{"h":{"auth":"c2VjcmV0!"}}}"#, r#"{"auths":"c2VjcmV0"}"#]
        {
            let message = found(text, "h", "a").unwrap_err().to_string();
            assert!(!message.contains("c2VjcmV0") && !message.contains("secret"), "{message}");
        }
    }
}
