//! What signatures of images say.

use oci_image::Named;
use oci_trust::PayloadKind;

/// No payload is one of both kinds; the name in it is one in full, whose scopes begin with itself and are all names of one
/// host.
pub fn run(data: &[u8]) {
    let found: Vec<_> =
        [PayloadKind::Simple, PayloadKind::Sigstore].iter().filter_map(|kind| kind.read(data).ok()).collect();
    assert!(found.len() < 2);
    let text = std::str::from_utf8(data).ok().and_then(|text| Named::parse(text).ok());
    for name in found.into_iter().map(|payload| payload.name).chain(text) {
        assert_eq!(Named::parse(&name.to_string()).expect("a name in full"), name);
        let scopes = name.scopes();
        assert_eq!(scopes.first(), Some(&name.to_string()));
        assert!(scopes.iter().all(|scope| scope.starts_with(name.host()) || scope.starts_with("*.")));
    }
}

/// A payload of each kind, and a name.
pub fn seeds() -> Vec<Vec<u8>> {
    let with = |kind: PayloadKind, optional: &str| {
        format!(
            r#"{{"critical":{{"type":"{}","image":{{"docker-manifest-digest":"sha256:{}"}},"identity":{{"docker-reference":"h.example:5000/p/os:1"}}}},"optional":{optional}}}"#,
            kind.text(),
            "0a".repeat(32)
        )
        .into_bytes()
    };
    vec![
        with(PayloadKind::Simple, r#"{"creator":"c","timestamp":1}"#),
        with(PayloadKind::Sigstore, "null"),
        b"a.h.example:5000/p/o__s-x:1.T".to_vec(),
    ]
}
