//! The name of an image on a registry: `host[:port]/repository[:tag][@digest]`.

use std::fmt;

use oci_client::Reference;
use oci_image::Digest;

use crate::error::RegistryError;

/// A parsed name. The grammar and the defaults (`docker.io`, `library/`, `latest`) are the common ones.
#[derive(Debug, Clone)]
pub(crate) struct ImageName {
    reference: Reference,
    digest: Option<Digest>,
}

impl ImageName {
    /// Parses the part of an image reference after `docker://`.
    pub(crate) fn parse(name: &str) -> Result<Self, RegistryError> {
        let refuse = |reason: String| RegistryError::Name { name: name.chars().take(300).collect(), reason };
        let reference: Reference = name.parse().map_err(|e: oci_client::ParseError| refuse(e.to_string()))?;
        // The grammar lets upper case through in a first component that is no host.
        if reference.repository().bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(refuse(oci_client::ParseError::NameContainsUppercase.to_string()));
        }
        let digest = reference.digest().map(str::parse).transpose();
        let digest = digest.map_err(|e: oci_image::digest::InvalidDigest| refuse(e.to_string()))?;
        Ok(Self { reference, digest })
    }

    /// Parses a name that must name its registry.
    pub(crate) fn parse_full(name: &str) -> Result<Self, RegistryError> {
        if names_its_host(name) {
            return Self::parse(name);
        }
        let reason = "it does not start with the host of a registry".to_owned();
        Err(RegistryError::Name { name: name.chars().take(300).collect(), reason })
    }

    /// The whole name with its defaults, `host[:port]/repository[:tag][@digest]`.
    pub(crate) fn whole(&self) -> String {
        self.reference.whole()
    }

    /// The whole name of one with tag and digest, without the tag; `None` for every other.
    pub(crate) fn without_tag(&self) -> Option<String> {
        let (digest, _) = (self.digest.as_ref()?, self.tag()?);
        Some(format!("{}/{}@{digest}", self.host(), self.repository()))
    }

    /// The registry as the user wrote it, `host[:port]`, with `docker.io` where nothing was said.
    pub(crate) fn host(&self) -> &str {
        self.reference.registry()
    }

    /// The repository on the registry.
    pub(crate) fn repository(&self) -> &str {
        self.reference.repository()
    }

    /// The tag, `latest` when neither tag nor digest was given.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.reference.tag()
    }

    /// The digest the manifest must have.
    pub(crate) fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What names the manifest in an address: the digest before the tag, because it says more.
    pub(crate) fn manifest_reference(&self) -> String {
        match (&self.digest, self.tag()) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.to_owned(),
            (None, None) => "latest".to_owned(),
        }
    }
}

/// Whether a name says which registry it is on. `name` alone or `project/name` do not: what comes before the first slash
/// must be a host, with a dot, a port, or `localhost`.
pub(crate) fn names_its_host(name: &str) -> bool {
    name.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost")
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "docker://{}", self.reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_ports_and_digests() {
        let name = ImageName::parse("busybox").unwrap();
        assert_eq!((name.host(), name.repository(), name.tag()), ("docker.io", "library/busybox", Some("latest")));
        let name = ImageName::parse("127.0.0.1:5000/a/b:t").unwrap();
        assert_eq!((name.host(), name.repository(), name.tag()), ("127.0.0.1:5000", "a/b", Some("t")));
        let digest = Digest::sha256(b"x").to_string();
        let name = ImageName::parse(&format!("localhost/a:t@{digest}")).unwrap();
        assert_eq!(name.manifest_reference(), digest);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in ["", "UPPER/case", "h.x/a@sha256:../x", "h.x/a b", "h.x/../etc", "h.x/a:", "user:pw@h.x/a"] {
            assert!(ImageName::parse(bad).is_err(), "{bad}");
        }
        let upper = format!("h.x/a@sha256:{}", "AB".repeat(32));
        assert!(ImageName::parse(&upper).is_err());
    }
}
