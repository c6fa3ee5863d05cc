//! Credential files.

use oci_registry::has_entry;

/// Secrets of the seeds, as they are written and as they are decoded.
const SECRETS: [&str; 4] = ["YW5uOmh1bnRlcjI=", "hunter2", "refresh-me", "show-me"];

/// No message about a file holds a secret of it, and one without entries has none for anything.
pub fn run(data: &[u8]) {
    for (host, repository) in [("h.example", "a/b"), ("docker.io", "library/a"), ("h.example:5000", "")] {
        match has_entry(data, host, repository) {
            Ok(found) => assert!(!found || !data.is_empty()),
            // A key is no secret, even where chance has put one there.
            Err(message) if !message.starts_with("entry ") => {
                assert!(SECRETS.iter().all(|secret| !message.contains(secret)), "{message}");
            }
            Err(_) => {}
        }
    }
}

/// Files of each kind of entry.
pub fn seeds() -> Vec<Vec<u8>> {
    let all = r#"{"auths":{"h.example":{"auth":"YW5uOmh1bnRlcjI="},"h.example/a":{"username":"ann","password":"hunter2"},
        "https://index.docker.io/v1/":{"identitytoken":"refresh-me"},"h.example:5000":{"registrytoken":"show-me"}},
        "credHelpers":{"h.example/a/b":"secretservice"},"credsStore":"pass","other":[1,null]}"#;
    vec![all.into(), b"{}".to_vec(), br#"{"auths":{"h.example":{"auth":"bm9jb2xvbg=="},"b":{}}}"#.to_vec()]
}
