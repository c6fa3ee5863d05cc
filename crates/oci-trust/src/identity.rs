//! What an image is called where rules are looked up: the transport's name and the scopes that fit, and its name for
//! signatures.

use std::path::{Path, PathBuf};

use oci_image::{ImageReference, InvalidName, Named, Transport};

use crate::error::TrustError;
use crate::in_storage::InStorage;

/// What is known of an image before a byte of it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageIdentity {
    /// The image as it is shown, `TRANSPORT:NAME`.
    pub shown: String,
    /// The transport as policies name it.
    pub transport: &'static str,
    /// The scopes that a rule for it may be written for, the most precise first.
    pub scopes: Vec<String>,
    /// Its name on a registry, which signatures vouch for; images in files have none.
    pub name: Option<Named>,
}

impl ImageIdentity {
    /// What an image is called. Names on registries must be full; paths are made absolute, without symbolic links.
    ///
    /// # Errors
    /// [`TrustError::Name`] for no name, [`TrustError::Io`] for a path that is not there.
    pub fn of(image: &ImageReference) -> Result<Self, TrustError> {
        let (scopes, name) = match image.transport {
            Transport::Registry => {
                let name = Named::parse(&image.name)?.or_latest();
                (name.scopes(), Some(name))
            }
            Transport::Dir => (parents(Path::new(&image.name))?, None),
            Transport::OciDir | Transport::OciArchive => (parents(Path::new(image.path_and_tag().0))?, None),
            // Scopes are not defined for it.
            Transport::DockerArchive => {
                let tagged = image.path_and_tag().1.and_then(|name| Named::parse(name).ok());
                (Vec::new(), tagged.map(Named::or_latest))
            }
            // What an image in a storage is called, the storage knows (see `in_storage`).
            Transport::ContainersStorage | Transport::DockerDaemon => (Vec::new(), None),
        };
        Ok(Self { shown: image.to_string(), transport: transport_name(image.transport), scopes, name })
    }

    /// What an image is called that a container storage has.
    ///
    /// # Errors
    /// [`TrustError::Name`].
    pub fn in_storage(image: &ImageReference, place: &InStorage) -> Result<Self, TrustError> {
        let name = place.named()?;
        let scopes = place.scopes(name.as_ref());
        Ok(Self { shown: image.to_string(), transport: transport_name(image.transport), scopes, name })
    }
}

/// The transport as policies name it.
fn transport_name(transport: Transport) -> &'static str {
    match transport {
        Transport::Registry => "docker",
        Transport::OciDir => "oci",
        Transport::OciArchive => "oci-archive",
        Transport::DockerArchive => "docker-archive",
        Transport::ContainersStorage => "containers-storage",
        Transport::Dir => "dir",
        Transport::DockerDaemon => "docker-daemon",
    }
}

/// A path and its parents, without the root.
fn parents(path: &Path) -> Result<Vec<String>, TrustError> {
    let whole: PathBuf =
        path.canonicalize().map_err(|source| TrustError::Io { action: "finding", path: path.to_owned(), source })?;
    let below_root = |path: &&Path| path.parent().is_some();
    let text = |path: &Path| {
        let refuse = || TrustError::from(InvalidName::new(&path.display().to_string(), "not valid UTF-8"));
        path.to_str().map(str::to_owned).ok_or_else(refuse)
    };
    whole.ancestors().filter(below_root).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_by_their_real_path() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("img")).unwrap();
        std::os::unix::fs::symlink("img", real.join("link")).unwrap();
        let reference = format!("oci:{}/link:tag", real.display()).parse().unwrap();
        let identity = ImageIdentity::of(&reference).unwrap();
        assert_eq!(identity.transport, "oci");
        assert_eq!(identity.scopes.first(), Some(&real.join("img").display().to_string()));
        assert!(!identity.scopes.contains(&"/".to_owned()) && identity.name.is_none());
        assert!(ImageIdentity::of(&format!("dir:{}/none", real.display()).parse().unwrap()).is_err());
    }

    #[test]
    fn images_of_registries_by_their_full_name() {
        let identity = ImageIdentity::of(&"docker://busybox".parse().unwrap()).unwrap();
        assert_eq!((identity.transport, identity.scopes[0].as_str()), ("docker", "docker.io/library/busybox:latest"));
    }
}
