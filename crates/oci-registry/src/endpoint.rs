//! Every address this crate asks for, made in one place (OCI distribution specification, "Endpoints").

use oci_image::Digest;
use reqwest::Url;

/// The repository of one registry at one address.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// Scheme, host and port, with the path `/`.
    base: Url,
    repository: String,
}

/// The name under which the best known registry serves, which is not the name its images carry.
const HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

impl Endpoint {
    /// The repository of `host` (`name[:port]`), over TLS or plain.
    pub(crate) fn new(host: &str, repository: &str, tls: bool) -> Result<Self, String> {
        let host = if host == HUB.0 { HUB.1 } else { host };
        let scheme = if tls { "https" } else { "http" };
        let base = Url::parse(&format!("{scheme}://{host}/")).map_err(|e| e.to_string())?;
        Ok(Self { base, repository: repository.to_owned() })
    }

    /// The address that only says whether a registry is there, and how it wants to be asked.
    pub(crate) fn ping(&self) -> Url {
        self.at("v2/")
    }

    /// A manifest by tag or digest.
    pub(crate) fn manifest(&self, reference: &str) -> Url {
        self.at(&format!("v2/{}/manifests/{reference}", self.repository))
    }

    /// The tags of the repository.
    pub(crate) fn tags(&self) -> Url {
        self.at(&format!("v2/{}/tags/list", self.repository))
    }

    /// A blob.
    pub(crate) fn blob(&self, digest: &Digest) -> Url {
        self.at(&format!("v2/{}/blobs/{digest}", self.repository))
    }

    /// What refers to a manifest.
    pub(crate) fn referrers(&self, digest: &Digest) -> Url {
        self.at(&format!("v2/{}/referrers/{digest}", self.repository))
    }

    /// The simple signatures of a manifest, where the registry keeps them itself.
    pub(crate) fn kept_signatures(&self, digest: &Digest) -> Url {
        self.at(&format!("extensions/v2/{}/signatures/{digest}", self.repository))
    }

    /// Where uploads start.
    pub(crate) fn uploads(&self) -> Url {
        self.at(&format!("v2/{}/blobs/uploads/", self.repository))
    }

    /// Where an upload starts that may be answered by a blob of the repository `from`.
    pub(crate) fn mount(&self, digest: &Digest, from: &str) -> Url {
        let mut url = self.uploads();
        url.query_pairs_mut().append_pair("mount", &digest.to_string()).append_pair("from", from);
        url
    }

    /// The address that ends the upload at `location`. What the registry put into its query stays.
    pub(crate) fn commit(location: &Url, digest: &Digest) -> Url {
        let mut url = location.clone();
        url.query_pairs_mut().append_pair("digest", &digest.to_string());
        url
    }

    /// Whether `url` is on this registry: same scheme, host and port. Only there credentials are sent.
    pub(crate) fn is_home(&self, url: &Url) -> bool {
        same_origin(&self.base, url)
    }

    /// Whether this registry is reached over TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// An address on this host and port by this endpoint's scheme; every other address as it is.
    pub(crate) fn with_scheme(&self, url: &Url) -> Url {
        let mut changed = url.clone();
        // Neither scheme is one that an http address cannot have.
        let _ = changed.set_scheme(self.base.scheme());
        if self.is_home(&changed) { changed } else { url.clone() }
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }
}

/// Whether two addresses have the same scheme, host and port.
pub(crate) fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host_str() == b.host_str() && a.port_or_known_default() == b.port_or_known_default()
}

/// Scheme, host and port of an address for messages: never its path, query or user.
pub(crate) fn shown(url: &Url) -> String {
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let end = Endpoint::new("h.example:5000", "a/b", true).unwrap();
        let digest = Digest::sha256(b"");
        assert_eq!(end.ping().as_str(), "https://h.example:5000/v2/");
        assert_eq!(end.manifest("t").as_str(), "https://h.example:5000/v2/a/b/manifests/t");
        assert_eq!(end.blob(&digest).as_str(), format!("https://h.example:5000/v2/a/b/blobs/{digest}"));
        assert!(end.mount(&digest, "x/y").as_str().contains("/uploads/?mount=sha256%3A"));
        let hub = Endpoint::new("docker.io", "library/a", true).unwrap();
        assert_eq!(hub.ping().as_str(), "https://registry-1.docker.io/v2/");
    }

    #[test]
    fn a_location_keeps_its_query() {
        let location = Url::parse("http://h/u?_state=a%2Bb").unwrap();
        let url = Endpoint::commit(&location, &Digest::sha256(b""));
        assert!(url.as_str().starts_with("http://h/u?_state=a%2Bb&digest=sha256%3A"), "{url}");
    }

    #[test]
    fn a_scheme_changes_at_home_only() {
        let [tls, plain] = [true, false].map(|tls| Endpoint::new("h.example:5000", "a", tls).unwrap());
        let to = |end: &Endpoint, text: &str| end.with_scheme(&Url::parse(text).unwrap()).to_string();
        assert_eq!(to(&plain, "https://h.example:5000/v2/?a=b"), "http://h.example:5000/v2/?a=b");
        assert_eq!(to(&tls, "http://h.example:5000/v2/"), "https://h.example:5000/v2/");
        assert_eq!(to(&plain, "https://h.example/x"), "https://h.example/x");
        let plain = Endpoint::new("h.example", "a", false).unwrap();
        assert_eq!(to(&plain, "https://h.example/x"), "http://h.example/x");
    }

    #[test]
    fn home_is_scheme_host_and_port() {
        let end = Endpoint::new("h.example", "a", true).unwrap();
        let home = |text: &str| end.is_home(&Url::parse(text).unwrap());
        assert!(home("https://h.example/x") && home("https://h.example:443/x"));
        assert!(!home("http://h.example/x") && !home("https://h.example:444/x") && !home("https://e.h.example/x"));
    }
}
