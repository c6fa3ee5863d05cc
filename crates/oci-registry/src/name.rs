//! The name of an image on a registry: `host[:port]/repository[:tag][@digest]`.

use std::fmt;

use oci_image::{Digest, InvalidName, Named, named};

/// A parsed name with the tag `latest` where there is neither tag nor digest.
#[derive(Debug, Clone)]
pub(crate) struct ImageName(Named);

impl ImageName {
    /// Parses the part of an image reference after `docker://`.
    pub(crate) fn parse(name: &str) -> Result<Self, InvalidName> {
        Ok(Self(Named::parse(name)?.or_latest()))
    }

    /// Parses a name that must name its registry.
    pub(crate) fn parse_full(name: &str) -> Result<Self, InvalidName> {
        match named::names_host(name) {
            true => Self::parse(name),
            false => Err(InvalidName::new(name, "it does not start with the host of a registry")),
        }
    }

    /// The whole name with its defaults, `host[:port]/repository[:tag][@digest]`.
    pub(crate) fn whole(&self) -> String {
        self.0.to_string()
    }

    /// The whole name of one with tag and digest, without the tag; `None` for every other.
    pub(crate) fn without_tag(&self) -> Option<String> {
        let (digest, _) = (self.digest()?, self.tag()?);
        Some(format!("{}/{}@{digest}", self.host(), self.repository()))
    }

    /// The registry as the user wrote it, `host[:port]`, with `docker.io` where nothing was said.
    pub(crate) fn host(&self) -> &str {
        self.0.host()
    }

    /// The repository on the registry.
    pub(crate) fn repository(&self) -> &str {
        self.0.path()
    }

    /// The tag, `latest` when neither tag nor digest was given.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.0.tag()
    }

    /// The digest the manifest must have.
    pub(crate) fn digest(&self) -> Option<&Digest> {
        self.0.digest()
    }

    /// What names the manifest in an address: the digest before the tag, because it says more.
    pub(crate) fn manifest_reference(&self) -> String {
        match (self.digest(), self.tag()) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.to_owned(),
            (None, None) => "latest".to_owned(),
        }
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "docker://{}", self.0)
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
