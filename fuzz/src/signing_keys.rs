//! Key files of engines, and GnuPG's files of secret keys.

use std::time::{Duration, UNIX_EPOCH};

use ostree_sign::{Engine, EngineVerifier, openpgp};

/// No key makes nonsense a signature.
pub fn run(data: &[u8]) {
    let _ = openpgp::is_locked(data);
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    for engine in [Engine::Ed25519, Engine::Spki] {
        let mut verifier = EngineVerifier::new(engine).expect("an engine that is always on");
        if verifier.trust_bytes("fuzz", data.to_vec()).is_ok() {
            let signatures = [vec![0; 64], data.to_vec()];
            assert!(verifier.verify(b"what nobody has signed", &signatures, now).is_err());
        }
    }
}

/// A file of each kind.
pub fn seeds() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../crates/ostree-sign/testdata/p256.pub.pem").to_vec(),
        include_bytes!("../../crates/ostree-sign/testdata/rsa.pub.pem").to_vec(),
        include_bytes!("../../crates/ostree-sign/testdata/ed25519.pub.pem").to_vec(),
        b"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n".to_vec(),
        b"Created: 20200101T000000\nKey: (private-key (ecc (curve Ed25519)(flags eddsa)(q #4000#)\n (d #00#)))\n"
            .to_vec(),
        b"(21:protected-private-key(3:rsa(1:n2:\0A)(1:e1:\x03)))".to_vec(),
    ]
}
