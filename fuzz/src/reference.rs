//! Image references, with and without a signature scheme.

use oci_image::{ImageReference, OstreeImageReference};

/// What is accepted prints to a text that is accepted as the same.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(reference) = text.parse::<ImageReference>() {
        let printed = reference.to_string();
        assert_eq!(printed.parse::<ImageReference>().ok().as_ref(), Some(&reference), "{printed}");
        let (path, tag) = reference.path_and_tag();
        assert_eq!(path.len() + tag.map_or(0, |tag| 1 + tag.len()), reference.name.len());
    }
    if let Ok(reference) = text.parse::<OstreeImageReference>() {
        let printed = reference.to_string();
        // An empty name can be written in the long form only, as in the reference program.
        if !reference.imgref.name.is_empty() {
            assert_eq!(printed.parse::<OstreeImageReference>().ok().as_ref(), Some(&reference), "{printed}");
        }
    }
}

/// Every transport and every scheme.
pub fn seeds() -> Vec<Vec<u8>> {
    let transports = [
        "docker://registry.example.com/a/b:latest",
        "registry:localhost:5000/a@sha256:00",
        "oci:/a/b:tag",
        "oci-archive:/a.tar",
        "docker-archive:/a.tar:name:tag",
        "containers-storage:[x]y",
        "dir:/a",
        "docker-daemon:x",
    ];
    let schemes = ["", "ostree-image-signed:", "ostree-unverified-image:", "ostree-remote-image:fedora:"];
    let with = |scheme: &&str| transports.map(|transport| format!("{scheme}{transport}").into_bytes());
    let mut seeds: Vec<Vec<u8>> = schemes.iter().flat_map(with).collect();
    seeds.extend(
        ["ostree-unverified-registry:a/b", "ostree-remote-registry:r:a/b"].map(|text| text.as_bytes().to_vec()),
    );
    seeds
}
