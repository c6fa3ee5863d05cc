//! Names of images as registries have them, in full: `host[:port]/path[:tag][@digest]`.

use std::fmt;

use crate::digest::Digest;

/// The longest name without tag and digest, in bytes, as everybody has it.
const NAME_MAX: usize = 255;

/// The longest tag, in bytes.
const TAG_MAX: usize = 128;

/// How many characters of a text are shown that is no name.
const SHOWN_CHARS: usize = 300;

/// Why a text is no name of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid image name {text:?}: {reason}")]
pub struct InvalidName {
    /// The text, shortened.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl InvalidName {
    /// `text` is none for this reason.
    pub fn new(text: &str, reason: impl Into<String>) -> Self {
        Self { text: text.chars().take(SHOWN_CHARS).collect(), reason: reason.into() }
    }
}

/// A name with the defaults filled in (`docker.io`, `library/`), but no tag that was not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    host: String,
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Named {
    /// Reads a name in the common grammar.
    ///
    /// # Errors
    /// Where it does not follow the grammar.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let refuse = |reason: &str| InvalidName::new(text, reason);
        let (rest, digest) = match text.split_once('@') {
            None => (text, None),
            Some((rest, digest)) => {
                let digest = digest.parse::<Digest>().map_err(|error| refuse(&error.to_string()))?;
                (rest, Some(digest))
            }
        };
        let after_slash = rest.rfind('/').map_or(0, |slash| slash + 1);
        let colon = rest.get(after_slash..).and_then(|last| last.find(':')).map(|colon| after_slash + colon);
        let (name, tag) = match colon.and_then(|colon| rest.split_at_checked(colon)) {
            Some((name, tag)) => (name, Some(tag.trim_start_matches(':').to_owned())),
            None => (rest, None),
        };
        if colon.is_some() && !tag.as_deref().is_some_and(is_tag) {
            return Err(refuse("not a tag"));
        }
        let (host, path) = split(name);
        if !is_host(host) {
            return Err(refuse("not the host of a registry"));
        }
        if path.len() == 64 && name == path && path.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(refuse("an image's identifier is no name"));
        }
        let path = if host == "docker.io" && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        if !path.split('/').all(is_component) || host.len() + 1 + path.len() > NAME_MAX {
            return Err(refuse("not the name of an image"));
        }
        Ok(Self { host: host.to_owned(), path, tag, digest })
    }

    /// The same, with the tag `latest` where there is neither tag nor digest.
    #[must_use]
    pub fn or_latest(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some("latest".to_owned());
        }
        self
    }

    /// The same without a digest.
    #[must_use]
    pub fn without_digest(&self) -> Self {
        Self { digest: None, ..self.clone() }
    }

    /// `host[:port]/path`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.host, self.path)
    }

    /// `host[:port]`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path on the registry.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Whether there is neither tag nor digest.
    pub fn is_bare(&self) -> bool {
        self.tag.is_none() && self.digest.is_none()
    }

    /// The names that a rule for this image may be written for, the most precise first: the image itself, its parents, its
    /// host, and the host's domains as in `*.example.com`.
    pub fn scopes(&self) -> Vec<String> {
        let name = self.name();
        let mut scopes = Vec::new();
        if self.tag.is_some() && self.digest.is_some() {
            scopes.push(self.to_string());
        }
        scopes.extend(self.tag.iter().map(|tag| format!("{name}:{tag}")));
        scopes.extend(self.digest.iter().map(|digest| format!("{name}@{digest}")));
        let mut rest = name.as_str();
        scopes.push(rest.to_owned());
        while let Some((parent, _)) = rest.rsplit_once('/') {
            rest = parent;
            scopes.push(rest.to_owned());
        }
        let mut domain = self.host.split(':').next().unwrap_or_default();
        while let Some((_, parent)) = domain.split_once('.') {
            domain = parent;
            scopes.push(format!("*.{domain}"));
        }
        scopes
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

/// Whether a text is a host, or a host and the beginning of a path: what a name can begin with.
pub fn is_prefix(text: &str) -> bool {
    match text.split_once('/') {
        None => is_host(text) || is_component(text),
        Some((host, path)) => (is_host(host) || is_component(host)) && path.split('/').all(is_component),
    }
}

/// Whether a name says which registry it is on. `name` alone or `project/name` do not: what comes before the first slash
/// must be a host, with a dot, a port, or `localhost`.
pub fn names_host(name: &str) -> bool {
    name.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost")
}

/// Host and path, with the defaults.
fn split(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some(("index.docker.io", path)) => ("docker.io", path),
        Some((host, path)) if names_host(name) => (host, path),
        _ => ("docker.io", name),
    }
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            let port = rest.strip_prefix(':');
            let good =
                (rest.is_empty() || port.is_some()) && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
            return good && !address.is_empty() && port.is_none_or(is_port);
        }
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.split('.').all(label) && port.is_none_or(is_port)
}

fn is_port(port: &str) -> bool {
    !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= TAG_MAX
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

/// Lower-case letters and digits, with one of `.`, `_`, `__` or any number of `-` between them.
fn is_component(component: &str) -> bool {
    let alnum = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = component.as_bytes();
    if !bytes.first().is_some_and(alnum) || !bytes.last().is_some_and(alnum) {
        return false;
    }
    component
        .split(|c: char| alnum(&(c as u8)) && c.is_ascii())
        .all(|separator| matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_full() {
        let hex = "0a".repeat(32);
        let cases = [
            ("busybox", "docker.io/library/busybox"),
            ("a/b:1", "docker.io/a/b:1"),
            ("localhost/b", "localhost/b"),
            ("h.example:5000/a/b-c__d:V1.x", "h.example:5000/a/b-c__d:V1.x"),
            ("index.docker.io/x", "docker.io/library/x"),
            ("[::1]:5000/x", "[::1]:5000/x"),
            ("h:5000/x:t", "h:5000/x:t"),
        ];
        for (text, full) in cases {
            assert_eq!(Named::parse(text).unwrap().to_string(), full);
        }
        for digest in [format!("h.example/a:t@sha256:{hex}"), format!("h.example/a@sha256:{hex}")] {
            let named = Named::parse(&digest).unwrap();
            assert_eq!((named.to_string(), named.or_latest().to_string()), (digest.clone(), digest));
        }
        assert_eq!(Named::parse("localhost/x").unwrap().or_latest().to_string(), "localhost/x:latest");
        for bad in [
            "",
            "/",
            "a/",
            "UPPER",
            "UPPER/case",
            "user:pw@h.x/a",
            "h.x/a@sha256:../x",
            "a:",
            "a:-x",
            "x:.",
            "-x",
            "x y",
            "a@sha256:0",
            "h.example/../x",
            "a//b",
            "a_-b",
            &hex,
        ] {
            assert!(Named::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn scopes_from_precise_to_general() {
        let scopes = Named::parse("a.b.example:5000/p/os").unwrap().or_latest().scopes();
        let expected = [
            "a.b.example:5000/p/os:latest",
            "a.b.example:5000/p/os",
            "a.b.example:5000/p",
            "a.b.example:5000",
            "*.b.example",
            "*.example",
        ];
        assert_eq!(scopes, expected);
    }

    #[test]
    fn prefixes() {
        for good in ["a", "library/busybox", "a.b:5", "docker.io/x"] {
            assert!(is_prefix(good), "{good}");
        }
        for bad in ["a/b:1", "b.c/D", "", "docker.io/x/", "b.c/d@sha256:00"] {
            assert!(!is_prefix(bad), "{bad}");
        }
    }
}
