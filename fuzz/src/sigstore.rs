//! What comes with signatures of sigstore: keys, certificates, promises of logs, and bundles.

use oci_trust::{Bundle, Chain, Promise, PublicKey};

/// Anything is read or refused; no key takes a signature that nobody made.
pub fn run(data: &[u8]) {
    for key in [PublicKey::from_pem(data), PublicKey::from_spki(data)].into_iter().flatten() {
        assert!(!key.verify(b"message", data) && !key.verify(b"message", b""));
        assert_eq!(PublicKey::from_spki(key.spki()).expect("what was taken once"), key);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Chain::parse(text, Some(text));
    }
    let _ = Promise::parse(data);
    if let Ok(bundle) = Bundle::parse(data) {
        let _ = (bundle.statement(), bundle.signature());
        assert!(bundle.signed().starts_with(b"DSSEv1 "));
    }
}

/// One of each.
pub fn seeds() -> Vec<Vec<u8>> {
    let key = include_bytes!("../../crates/oci-trust/testdata/p256.pub");
    let certificate = include_bytes!("../../crates/oci-trust/testdata/leaf.crt");
    let promise = include_bytes!("../../crates/oci-trust/testdata/cosign.promise");
    let bundle = include_bytes!("../../crates/oci-trust/testdata/bundle.json");
    let logged = include_bytes!("../../crates/oci-trust/testdata/bundle-logged.json");
    let by_certificate = include_bytes!("../../crates/oci-trust/testdata/bundle-leaf.json");
    vec![
        logged.to_vec(),
        by_certificate.to_vec(),
        key.to_vec(),
        certificate.to_vec(),
        promise.to_vec(),
        bundle.to_vec(),
    ]
}
