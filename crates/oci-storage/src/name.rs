//! Image names as the storage keeps them: with their registry, their library and their tag.

use std::fmt;

use oci_image::Digest;

/// The registry of names that have none.
const DOCKER: &str = "docker.io";
/// Where podman puts what is built without a registry's name.
const LOCAL: &str = "localhost";

/// A full name: `REGISTRY/PATH[:TAG][@DIGEST]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Registry and path.
    pub repository: String,
    /// The tag.
    pub tag: Option<String>,
    /// The digest of a manifest.
    pub digest: Option<Digest>,
}

impl Name {
    /// Reads a name and completes it: without a registry it is one of `docker.io`, without a path there it is in `library/`,
    /// and without tag and digest it has the tag `latest`. The reason is given when it is none.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse::<Digest>().map_err(|error| error.to_string())?)),
            None => (text, None),
        };
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (rest, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err("the tag is none".to_owned());
        }
        let (host, path) = match path.split_once('/') {
            Some((host, path)) if is_host(host) => (host, path.to_owned()),
            _ => (DOCKER, path.to_owned()),
        };
        if path.len() == 64 && host == DOCKER && path.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err("64 hexadecimal characters are no name".to_owned());
        }
        if !is_path(&path) {
            return Err("letters (lower-case), digits and '.', '_', '-', '/' make a name".to_owned());
        }
        if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')) {
            return Err("the registry is no name of a host".to_owned());
        }
        let host = if host == "index.docker.io" { DOCKER } else { host };
        let library = if host == DOCKER && !path.contains('/') { "library/" } else { "" };
        let tag = tag.map(str::to_owned).or_else(|| digest.is_none().then(|| "latest".to_owned()));
        Ok(Self { repository: format!("{host}/{library}{path}"), tag, digest })
    }

    /// What podman would call an image of this name that was built here, if the name was given without a registry.
    #[must_use]
    pub fn local(&self, text: &str) -> Option<Self> {
        let named_registry = text.split_once('/').is_some_and(|(host, _)| is_host(host));
        let path = text.split(['@']).next()?;
        let path = match path.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => path,
            _ => path,
        };
        (!named_registry).then(|| Self { repository: format!("{LOCAL}/{path}"), ..self.clone() })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// Whether the part before the first slash is a registry.
fn is_host(text: &str) -> bool {
    text.contains(['.', ':']) || text == LOCAL || text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_tag(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    text.len() <= 128 && !text.is_empty() && !text.starts_with(['.', '-']) && text.bytes().all(inside)
}

fn is_path(text: &str) -> bool {
    let inside = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
    text.split('/').all(|part| {
        part.bytes().all(inside)
            && part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !part.ends_with(['.', '-', '_'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed() {
        let zeros = "0".repeat(64);
        let cases = [
            ("x", "docker.io/library/x:latest"),
            ("a/b:1", "docker.io/a/b:1"),
            ("localhost/x", "localhost/x:latest"),
            ("h:5000/x:t", "h:5000/x:t"),
            ("index.docker.io/x", "docker.io/library/x:latest"),
            (&format!("q.io/x@sha256:{zeros}"), &format!("q.io/x@sha256:{zeros}")),
            (&format!("q.io/x:1@sha256:{zeros}"), &format!("q.io/x:1@sha256:{zeros}")),
        ];
        for (text, full) in cases {
            assert_eq!(Name::parse(text).unwrap().to_string(), full, "{text}");
        }
        for bad in ["", "X", "a//b", "x:", "x:.", "x@sha256:0", "-x", "x y", &zeros] {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn short_names_may_be_local() {
        let local = |text: &str| Name::parse(text).unwrap().local(text).map(|name| name.to_string());
        assert_eq!(local("x"), Some("localhost/x:latest".into()));
        assert_eq!(local("a/b:1"), Some("localhost/a/b:1".into()));
        assert_eq!(local("localhost/x"), None);
        assert_eq!(local("h:5000/x"), None);
    }
}
