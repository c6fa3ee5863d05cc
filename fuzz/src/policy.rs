//! The container policy.

use std::path::Path;

use oci_trust::{ImageIdentity, Policy, TrustError};

/// A policy is taken or refused by its name; what is taken has a rule with at least one requirement for every image, and is
/// the same when it is read twice.
pub fn run(data: &[u8]) {
    let path = Path::new("policy.json");
    let policy = match Policy::parse(data, path) {
        Ok(policy) => policy,
        Err(TrustError::BadFile { path: named, .. }) => return assert_eq!(named, path),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(Policy::parse(data, path).expect("what was taken once"), policy);
    for image in ["docker://h.example:5000/p/os:1", "docker://busybox", "dir:/", "docker-archive:/x:h.example/a:b"] {
        let identity = ImageIdentity::of(&image.parse().expect("an image")).expect("an identity");
        assert!(!policy.requirements(&identity).1.is_empty(), "{image}");
    }
}

/// A policy with every kind of requirement and identity.
pub fn seeds() -> Vec<Vec<u8>> {
    let all = r#"{"default":[{"type":"reject"}],"transports":{"docker":{"":[{"type":"insecureAcceptAnything"}],
        "h.example:5000/p":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/a","signedIdentity":{"type":"matchExact"}},
        {"type":"signedBy","keyType":"GPGKeys","keyData":"YQ==","signedIdentity":{"type":"exactReference","dockerReference":"h.example/a:1"}}],
        "*.example":[{"type":"sigstoreSigned","keyPaths":["/a","/b"],"signedIdentity":{"type":"matchRepository"}}],
        "docker.io/library/busybox":[{"type":"sigstoreSigned","fulcio":{"caData":"YQ==","oidcIssuer":"i","subjectEmail":"e"},
        "rekorPublicKeyDatas":["YQ=="],"signedIdentity":{"type":"remapIdentity","prefix":"a.b","signedPrefix":"c.d/e"}}]},
        "dir":{"/a/b":[{"type":"signedBaseLayer","baseLayerIdentity":{"type":"exactRepository","dockerRepository":"h.example/a"}}]}}}"#;
    vec![all.into(), br#"{"default":[{"type":"insecureAcceptAnything"}]}"#.to_vec()]
}
