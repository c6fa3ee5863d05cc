//! OpenPGP signatures, beside what they sign and around it.

use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use ostree_sign::openpgp::{Keyring, Outcome};

const MESSAGE: &[u8] = include_bytes!("../../crates/ostree-sign/testdata/message");

/// Nothing but what was signed is good, and every input has a verdict.
pub fn run(data: &[u8]) {
    static TRUSTED: OnceLock<Keyring> = OnceLock::new();
    let trusted = TRUSTED.get_or_init(|| {
        let mut keyring = Keyring::new();
        keyring
            .add_bytes("trusted", include_bytes!("../../crates/ostree-sign/testdata/trusted.gpg"))
            .expect("a keyring");
        keyring
    });
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let reports = trusted.verify_detached(data, MESSAGE, now);
    assert!(!reports.is_empty());
    for report in trusted.verify_detached(data, b"what nobody has signed", now) {
        assert_ne!(report.outcome, Outcome::Good);
    }
    if let Ok((content, reports)) = trusted.verify_inline(data, now) {
        assert!(!reports.is_empty());
        assert!(content == MESSAGE || reports.iter().all(|report| report.outcome != Outcome::Good));
    }
}

/// Signatures in several states, and messages.
pub fn seeds() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../crates/ostree-sign/testdata/alice.sig").to_vec(),
        include_bytes!("../../crates/ostree-sign/testdata/bob.sig").to_vec(),
        include_bytes!("../../crates/ostree-sign/testdata/dave.sig").to_vec(),
        include_bytes!("../../crates/ostree-sign/testdata/alice.asc").to_vec(),
        include_bytes!("../../crates/ostree-sign/testdata/inline.gpg").to_vec(),
        include_bytes!("../../crates/ostree-sign/testdata/inline.asc").to_vec(),
    ]
}
