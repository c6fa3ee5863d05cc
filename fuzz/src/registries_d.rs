//! `registries.d`.

use std::path::Path;

use oci_image::Named;
use oci_trust::{SignatureStores, TrustError};

/// A file is taken or refused by its name, and is not taken twice if it has a section.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let path = Path::new("x.yaml");
    let mut stores = SignatureStores::default();
    match stores.add(text, path) {
        Ok(()) => {}
        Err(TrustError::BadFile { path: named, .. }) => return assert_eq!(named, path),
        Err(other) => panic!("{other}"),
    }
    let image = Named::parse("h.example:5000/p/os:1").expect("a name");
    let _ = (stores.lookaside(&image), stores.lookaside_to_write(&image), stores.uses_attachments(&image));
    let empty = stores == SignatureStores::default();
    assert_eq!(stores.add(text, path).is_ok(), empty, "a section stands in two files");
}

/// A file with everything.
pub fn seeds() -> Vec<Vec<u8>> {
    let all = "default-docker:\n  lookaside: file:///a\ndocker:\n  h.example:5000/p:\n    lookaside-staging: \"file:///b\"\n    \
        use-sigstore-attachments: true\n  '*.example': {sigstore: https://s.example/x, other: [1, 2]}\n  a.b: # nothing\n";
    vec![all.into(), b"docker: {}\n".to_vec()]
}
