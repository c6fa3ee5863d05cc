//! Image indexes.

use oci_image::{Descriptor, Digest, Index, Platform, media_type};

/// What is accepted has a canonical form that means the same; the choice by platform is one of its entries.
pub fn run(data: &[u8]) {
    let Ok(index) = Index::parse(data) else { return };
    for architecture in ["amd64", "arm", "s390x"] {
        if let Ok(chosen) = index.choose(&Platform::linux(architecture)) {
            assert!(index.manifests.contains(chosen));
        }
    }
    let Ok(canonical) = index.to_raw() else { return };
    let again = Index::parse(&canonical.bytes).expect("what was written is readable");
    assert_eq!(again, index);
    assert_eq!(again.to_raw().expect("it was written before"), canonical);
}

/// Indexes of no, one and several manifests.
pub fn seeds() -> Vec<Vec<u8>> {
    let manifest = Descriptor::new(media_type::OCI_MANIFEST, Digest::sha256(b"manifest"), 8);
    let on = |architecture| manifest.clone().with_platform(&Platform::linux(architecture));
    let mut variant = Platform::linux("arm");
    variant.variant = Some("v7".into());
    let several = vec![on("amd64"), on("arm64"), manifest.clone().with_platform(&variant), manifest.clone()];
    let indexes = [Index::new(Vec::new()), Index::new(vec![manifest]), Index::new(several)];
    indexes.iter().filter_map(|index| index.to_raw().ok()).map(|raw| raw.bytes).collect()
}
