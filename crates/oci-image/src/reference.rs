//! Image references: where an image is, and how its signature is to be checked (the grammar of ostree's own tools).

use std::fmt;
use std::str::FromStr;

pub use crate::reference_error::ReferenceError;

/// How an image is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// A registry: `docker://HOST/NAME:TAG`, also written `registry:`.
    Registry,
    /// An OCI image directory: `oci:PATH[:TAG]`.
    OciDir,
    /// A tar file of an OCI image directory: `oci-archive:PATH[:TAG]`.
    OciArchive,
    /// What `docker save` writes: `docker-archive:PATH[:NAME]`.
    DockerArchive,
    /// The local storage of podman and its relatives: `containers-storage:NAME`.
    ContainersStorage,
    /// A plain directory of one image's files: `dir:PATH`.
    Dir,
    /// A running Docker engine: `docker-daemon:NAME`.
    DockerDaemon,
}

impl Transport {
    /// The prefix of a canonical reference, as in `docker://` or `oci:`.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Registry => "docker://",
            Self::OciDir => "oci:",
            Self::OciArchive => "oci-archive:",
            Self::DockerArchive => "docker-archive:",
            Self::ContainersStorage => "containers-storage:",
            Self::Dir => "dir:",
            Self::DockerDaemon => "docker-daemon:",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix())
    }
}

impl FromStr for Transport {
    type Err = ReferenceError;

    /// Reads the word alone, without `:` or `//`.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        match text {
            "registry" | "docker" => Ok(Self::Registry),
            "oci" => Ok(Self::OciDir),
            "oci-archive" => Ok(Self::OciArchive),
            "docker-archive" => Ok(Self::DockerArchive),
            "containers-storage" => Ok(Self::ContainersStorage),
            "dir" => Ok(Self::Dir),
            "docker-daemon" => Ok(Self::DockerDaemon),
            _ => Err(ReferenceError::UnknownTransport(text.to_owned())),
        }
    }
}

/// `TRANSPORT:NAME`. The name is not looked into here; its transport does that.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    /// How the image is reached.
    pub transport: Transport,
    /// What follows the transport; for a registry without the `//`.
    pub name: String,
}

impl FromStr for ImageReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (word, name) = text.split_once(':').ok_or_else(|| ReferenceError::MissingColon(text.to_owned()))?;
        let transport: Transport = word.parse()?;
        if name.is_empty() {
            return Err(ReferenceError::EmptyName(text.to_owned()));
        }
        let name = match word {
            "docker" => name.strip_prefix("//").ok_or_else(|| ReferenceError::MissingSlashes(text.to_owned()))?,
            _ => name,
        };
        Ok(Self { transport, name: name.to_owned() })
    }
}

impl fmt::Display for ImageReference {
    /// The canonical text, which ref names in repositories are made of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.transport, self.name)
    }
}

impl ImageReference {
    /// The name cut at its first `:`: the path of an `oci`, `oci-archive` or `docker-archive` reference, and its tag or
    /// image name. A path therefore cannot hold a `:`.
    pub fn path_and_tag(&self) -> (&str, Option<&str>) {
        match self.name.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (&self.name, None),
        }
    }
}

/// Who vouches for an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureSource {
    /// The keys of an ostree remote sign the commit.
    OstreeRemote(String),
    /// The host's container policy decides.
    ContainerPolicy,
    /// The host's container policy decides, also when it accepts anything.
    ContainerPolicyAllowInsecure,
}

impl fmt::Display for SignatureSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OstreeRemote(remote) => write!(f, "ostree-remote-image:{remote}"),
            Self::ContainerPolicy => f.write_str("ostree-image-signed"),
            Self::ContainerPolicyAllowInsecure => f.write_str("ostree-unverified-image"),
        }
    }
}

/// An image reference with its signature scheme.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OstreeImageReference {
    /// Who vouches for the image.
    pub sigverify: SignatureSource,
    /// The image.
    pub imgref: ImageReference,
}

impl FromStr for OstreeImageReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (scheme, rest) = text.split_once(':').ok_or_else(|| ReferenceError::MissingColon(text.to_owned()))?;
        let remote_and_rest = || {
            let (remote, rest) =
                rest.split_once(':').ok_or_else(|| ReferenceError::MissingSecondColon(text.to_owned()))?;
            Ok((SignatureSource::OstreeRemote(remote.to_owned()), rest))
        };
        let (sigverify, imgref) = match scheme {
            "ostree-image-signed" => (SignatureSource::ContainerPolicy, rest.parse()?),
            "ostree-unverified-image" => (SignatureSource::ContainerPolicyAllowInsecure, rest.parse()?),
            "ostree-unverified-registry" => {
                (SignatureSource::ContainerPolicyAllowInsecure, format!("registry:{rest}").parse()?)
            }
            "ostree-remote-registry" => {
                let (source, rest) = remote_and_rest()?;
                (source, format!("registry:{rest}").parse()?)
            }
            "ostree-remote-image" => {
                let (source, rest) = remote_and_rest()?;
                (source, rest.parse()?)
            }
            other => return Err(ReferenceError::UnknownScheme(other.to_owned())),
        };
        Ok(Self { sigverify, imgref })
    }
}

impl fmt::Display for OstreeImageReference {
    /// The canonical text; in the alternate form (`{:#}`) an unverified registry image is `docker://NAME`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.sigverify, self.imgref.transport) {
            (SignatureSource::ContainerPolicyAllowInsecure, Transport::Registry) if f.alternate() => self.imgref.fmt(f),
            (SignatureSource::ContainerPolicyAllowInsecure, Transport::Registry) => {
                write!(f, "ostree-unverified-registry:{}", self.imgref.name)
            }
            (source, _) => write!(f, "{source}:{}", self.imgref),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_print_canonically() {
        let cases = [
            ("registry:registry.example.com/x:y", "docker://registry.example.com/x:y"),
            ("docker://registry.example.com/x", "docker://registry.example.com/x"),
            ("docker://", "docker://"),
            ("registry://x", "docker:////x"),
            ("oci:/tmp/a:b:c", "oci:/tmp/a:b:c"),
            ("dir:x", "dir:x"),
            ("containers-storage:[x]y", "containers-storage:[x]y"),
        ];
        for (text, printed) in cases {
            assert_eq!(text.parse::<ImageReference>().unwrap().to_string(), printed, "{text}");
        }
        let oci: ImageReference = "oci:/tmp/a:b:c".parse().unwrap();
        assert_eq!(oci.path_and_tag(), ("/tmp/a", Some("b:c")));
    }

    #[test]
    fn errors_have_the_known_texts() {
        let cases = [
            ("foo", "Missing ':' in foo"),
            ("foo:bar", "Unknown transport 'foo'"),
            (":", "Unknown transport ''"),
            ("oci:", "Invalid empty name in oci:"),
            ("docker:", "Invalid empty name in docker:"),
            ("docker:x", "Missing // in docker:// in docker:x"),
        ];
        for (text, message) in cases {
            assert_eq!(text.parse::<ImageReference>().unwrap_err().to_string(), message);
        }
        let cases = [
            ("foo", "Missing ':' in foo"),
            ("foo:bar", "Invalid ostree image reference scheme: foo"),
            ("ostree-image-signed:bar", "Missing ':' in bar"),
            ("ostree-remote-image:bar", "Missing second ':' in ostree-remote-image:bar"),
            ("ostree-unverified-registry:", "Invalid empty name in registry:"),
            ("ostree-unverified-image:docker:x", "Missing // in docker:// in docker:x"),
        ];
        for (text, message) in cases {
            assert_eq!(text.parse::<OstreeImageReference>().unwrap_err().to_string(), message);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_parses_prints_to_itself(scheme in 0..6_usize, transport in "[a-z-]{0,4}(oci|dir|docker|registry)?", name: String) {
            let schemes = ["", "ostree-image-signed:", "ostree-unverified-image:", "ostree-unverified-registry:",
                "ostree-remote-image:r:", "ostree-remote-registry:r:"];
            let text = format!("{}{transport}:{name}", schemes[scheme]);
            if let Ok(reference) = text.parse::<OstreeImageReference>() && !reference.imgref.name.is_empty() {
                proptest::prop_assert_eq!(&reference.to_string().parse::<OstreeImageReference>().unwrap(), &reference);
            }
            if let Ok(reference) = text.parse::<ImageReference>() {
                proptest::prop_assert_eq!(&reference.to_string().parse::<ImageReference>().unwrap(), &reference);
            }
        }
    }

    #[test]
    fn schemes_print_canonically() {
        let cases = [
            ("ostree-image-signed:docker://a/b", "ostree-image-signed:docker://a/b"),
            ("ostree-unverified-image:docker://a/b", "ostree-unverified-registry:a/b"),
            ("ostree-unverified-registry:a/b", "ostree-unverified-registry:a/b"),
            ("ostree-unverified-image:oci:/x", "ostree-unverified-image:oci:/x"),
            ("ostree-remote-registry:fedora:a/b:t", "ostree-remote-image:fedora:docker://a/b:t"),
            ("ostree-remote-image:fedora:oci:/x", "ostree-remote-image:fedora:oci:/x"),
        ];
        for (text, printed) in cases {
            let reference: OstreeImageReference = text.parse().unwrap();
            assert_eq!(reference.to_string(), printed, "{text}");
            assert_eq!(printed.parse::<OstreeImageReference>().unwrap(), reference);
        }
        let unverified: OstreeImageReference = "ostree-unverified-registry:a/b".parse().unwrap();
        assert_eq!(format!("{unverified:#}"), "docker://a/b");
    }
}
