//! Image manifests, and documents whose kind is to be found.

use oci_image::{Descriptor, Digest, Document, Manifest, RawManifest, media_type};

/// What is accepted has a canonical form that means the same and is its own canonical form.
pub fn run(data: &[u8]) {
    if let Ok(raw) = RawManifest::from_bytes(data.to_vec(), None) {
        assert_eq!((&raw.bytes[..], &raw.digest), (data, &Digest::sha256(data)));
        let _ = Document::parse(&raw);
    }
    let Ok(manifest) = Manifest::parse(data) else { return };
    // A fraction in an unknown member has no canonical form.
    let Ok(canonical) = manifest.to_raw() else { return };
    let again = Manifest::parse(&canonical.bytes).expect("what was written is readable");
    assert_eq!(again, manifest);
    assert_eq!(again.to_raw().expect("it was written before"), canonical);
}

/// A layer, as a manifest names it.
pub fn descriptor() -> Descriptor {
    let mut layer = Descriptor::new(media_type::OCI_LAYER_GZIP, Digest::sha256(b"layer"), 5);
    layer.annotations.insert("ostree.components".into(), "a,b".into());
    layer.extra.insert("urls".into(), vec!["https://example.com/"].into());
    layer
}

/// Manifests with and without everything optional.
pub fn seeds() -> Vec<Vec<u8>> {
    let config = Descriptor::new(media_type::OCI_CONFIG, Digest::sha256(b"config"), 6);
    let plain = Manifest::new(config.clone(), Vec::new());
    let mut full = Manifest::new(config.clone(), vec![descriptor(), descriptor()]);
    full.media_type = Some(media_type::DOCKER_MANIFEST.into());
    full.annotations.insert("ostree.commit".into(), "0a".repeat(32));
    full.subject = Some(config);
    full.extra.insert("artifactType".into(), "a/b".into());
    [plain, full].iter().filter_map(|manifest| manifest.to_raw().ok()).map(|raw| raw.bytes).collect()
}
