//! Keyrings: binary, armored, and GnuPG's keyboxes.

use std::time::{Duration, UNIX_EPOCH};

use ostree_sign::openpgp::Keyring;

/// What is accepted, and can be written, is written as a keyring with the same keys.
pub fn run(data: &[u8]) {
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let mut keyring = Keyring::new();
    let Ok(added) = keyring.add_bytes("fuzz", data) else { return };
    assert!(keyring.len() <= added.len());
    // Signatures with parts of a kind that nobody knows can be read, and say nothing.
    let Ok(bytes) = keyring.to_bytes() else { return };
    let mut again = Keyring::new();
    again.add_bytes("again", &bytes).expect("what was written can be read");
    let names = |keyring: &Keyring| keyring.keys(now).into_iter().map(|key| key.fingerprint).collect::<Vec<_>>();
    assert_eq!(names(&again), names(&keyring));
}

/// Keys of several kinds in all three forms.
pub fn seeds() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../crates/ostree-sign/testdata/trusted.gpg").to_vec(),
        include_bytes!("../../crates/ostree-sign/testdata/alice.secret.asc").to_vec(),
        include_bytes!("../../crates/ostree-sign/testdata/home/pubring.kbx").to_vec(),
    ]
}
