//! Keys and signatures that GnuPG and openssl made, read and checked; and signatures made with their keys.
//!
//! `testdata` holds keys of nobody, made in 2020: Alice and Bob are good, Carol's expired after a month, Dave's was revoked, Erin
//! signs with a key that belongs to hers, and Mallory's is not in `trusted.gpg`. Frank named Grace as one who may revoke his key,
//! which she did in `designated.gpg`. What is signed is `message`, on the first of
//! January 2026 or, by Carol and in `short.sig`, on the 15th of January 2020.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ostree_core::{CommitId, Metadata, RawVariant, VerifyCommit};
use ostree_sign::engine::UnknownEngine;
use ostree_sign::openpgp::{Keyring, Outcome, SecretKeys, SignatureReport};
use ostree_sign::trust::EngineKeys;
use ostree_sign::{
    CommitVerifier, Engine, EngineSigner, EngineVerifier, KeyDirectory, RemoteTrust, SignError, SignVerify,
};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

fn data(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).expect("test data")
}

fn year(year: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs((year - 1970) * 31_556_952 + 86_400)
}

fn trusted() -> Keyring {
    let mut keyring = Keyring::new();
    assert_eq!(keyring.add_file(&path("trusted.gpg")).expect("a keyring").len(), 5);
    keyring
}

fn only(mut reports: Vec<SignatureReport>) -> SignatureReport {
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

fn outcome(signature: &str, now: SystemTime) -> Outcome {
    only(trusted().verify_detached(&data(signature), &data("message"), now)).outcome
}

#[test]
fn verdicts() {
    let now = year(2027);
    for good in ["alice.sig", "alice.asc", "bob.sig", "erin.sig"] {
        assert_eq!(outcome(good, now), Outcome::Good, "{good}");
        assert_eq!(outcome(good, year(2025)), Outcome::NotYetValid, "{good}");
    }
    assert_eq!(outcome("bob.sig", year(2045)), Outcome::KeyExpired);
    assert_eq!(outcome("erin.sig", year(2045)), Outcome::KeyExpired);
    assert_eq!(outcome("carol.sig", now), Outcome::KeyExpired);
    assert_eq!(outcome("carol.sig", year(2020) + Duration::from_secs(15 * 86_400)), Outcome::Good);
    assert_eq!(outcome("dave.sig", now), Outcome::KeyRevoked);
    assert_eq!(outcome("short.sig", now), Outcome::SignatureExpired);
    assert!(matches!(outcome("sha1.sig", now), Outcome::Weak(_)));
}

#[test]
fn keys_revoked_for_their_owner() {
    let verdict = |file: &str, grace: bool| {
        let mut keyring = Keyring::new();
        keyring.add_file(&path(file)).unwrap();
        let keyring = keyring.select(|key| grace || !key.is_named("grace@example.org"), year(2027));
        only(keyring.verify_detached(&data("frank.sig"), &data("message"), year(2027))).outcome
    };
    assert_eq!(verdict("designating.gpg", true), Outcome::Good);
    assert_eq!(verdict("designated.gpg", true), Outcome::KeyRevoked);
    // Without the revoker's key nobody can tell.
    assert_eq!(verdict("designated.gpg", false), Outcome::Good);
}

#[test]
fn what_is_said_of_a_subkey() {
    let report = only(trusted().verify_detached(&data("erin.sig"), &data("message"), year(2027)));
    assert_ne!(report.fingerprint, report.primary);
    assert_eq!(report.user_ids[0].email(), "erin@example.org");
    assert_eq!((report.key_algorithm.as_str(), report.hash_algorithm.as_str()), ("RSA", "SHA512"));
    assert!(report.key_expires.is_some() && report.primary_expires.is_none() && report.expires.is_none());
}

#[test]
fn bytes_that_were_not_signed() {
    let (keyring, now) = (trusted(), year(2027));
    let bad = only(keyring.verify_detached(&data("alice.sig"), b"what was not signed\n", now));
    assert_eq!(bad.outcome, Outcome::Bad);
    let missing = only(Keyring::new().verify_detached(&data("alice.sig"), &data("message"), now));
    assert_eq!(missing.outcome, Outcome::KeyMissing);
    assert_eq!(missing.fingerprint, bad.fingerprint);
    for nonsense in [&b""[..], b"nonsense", &data("trusted.gpg"), &data("inline.gpg"), &[0; 300_000]] {
        let report = only(keyring.verify_detached(nonsense, &data("message"), now));
        assert!(!report.outcome.is_good() && report.outcome != Outcome::KeyMissing);
    }
    // No byte of a signature can be changed unseen, but for those that are not signed.
    let signature = data("alice.sig");
    for at in 0..signature.len() {
        let mut changed = signature.clone();
        changed[at] ^= 0x10;
        for report in keyring.verify_detached(&changed, &data("message"), now) {
            assert!(!report.outcome.is_good() || report.primary == bad.primary, "byte {at}");
        }
        let mut message = data("message");
        let at = at % message.len();
        message[at] ^= 1;
        assert!(!keyring.verify_detached(&signature, &message, now).iter().any(|report| report.outcome.is_good()));
    }
}

#[test]
fn several_signatures_in_one() {
    let both = [data("dave.sig"), data("alice.sig")].concat();
    let reports = trusted().verify_detached(&both, &data("message"), year(2027));
    assert_eq!(
        reports.into_iter().map(|report| report.outcome).collect::<Vec<_>>(),
        [Outcome::KeyRevoked, Outcome::Good]
    );
}

#[test]
fn messages_that_carry_what_is_signed() {
    for (name, count) in [("inline.gpg", 1), ("inline.asc", 2)] {
        let (content, reports) = trusted().verify_inline(&data(name), year(2027)).unwrap();
        assert_eq!(content, data("message"));
        assert_eq!(reports.len(), count);
        assert!(reports.iter().all(|report| report.outcome.is_good()), "{name}");
        let (_, reports) = Keyring::new().verify_inline(&data(name), year(2027)).unwrap();
        assert!(reports.iter().all(|report| report.outcome == Outcome::KeyMissing));
    }
    for bad in ["message", "alice.sig", "trusted.gpg"] {
        assert!(trusted().verify_inline(&data(bad), year(2027)).is_err(), "{bad}");
    }
    let mut cut = data("inline.gpg");
    cut.pop();
    assert!(trusted().verify_inline(&cut, year(2027)).is_err());
}

#[test]
fn keys_of_a_directory_and_of_a_file_sign() {
    let now = year(2027);
    let mut keyring = Keyring::new();
    keyring.add_homedir(&path("home")).unwrap();
    assert_eq!(keyring.len(), 6);
    for (place, names) in
        [("home", &["alice@example.org", "Bob", "erin", "<mallory@example.org>"][..]), ("alice.secret.asc", &["alice"])]
    {
        let keys = SecretKeys::open(&path(place)).unwrap();
        for name in names {
            let mut key = keys.find(name, now).unwrap();
            let signature = key.sign_detached(b"new", now).unwrap();
            let report = only(keyring.verify_detached(&signature, b"new", now));
            assert_eq!((report.outcome, report.primary.as_ref()), (Outcome::Good, Some(key.primary())), "{name}");
            let message = key.sign_inline(b"new", now).unwrap();
            let (content, reports) = keyring.verify_inline(&message, now).unwrap();
            assert_eq!((content.as_slice(), only(reports).outcome), (&b"new"[..], Outcome::Good), "{name}");
            assert!(!format!("{key:?}").contains("secret"));
        }
        assert!(matches!(keys.find("carol", now), Err(SignError::NoSecretKey { .. })));
        assert!(matches!(keys.find("nobody", now), Err(SignError::NoSecretKey { .. })));
    }
    let keys = SecretKeys::open(&path("home")).unwrap();
    assert!(matches!(keys.find("example.org", now), Err(SignError::AmbiguousKey { .. })));
}

#[test]
fn a_keyring_is_written_as_it_was_read() {
    let (keyring, now) = (trusted(), year(2027));
    let mut again = Keyring::new();
    again.add_bytes("again", &keyring.to_bytes().unwrap()).unwrap();
    assert_eq!(again.keys(now), keyring.keys(now));
    let one = keyring.select(|key| key.is_named("alice"), now);
    assert_eq!(one.len(), 1);
    assert!(keyring.keys(now).iter().any(|key| key.is_revoked && key.is_named("dave@example.org")));
}

#[test]
fn engines() {
    let (message, now) = (data("message"), year(2027));
    for kind in ["ed25519", "p256", "p384", "rsa"] {
        let mut verifier = EngineVerifier::new(Engine::Spki).unwrap();
        assert!(verifier.verify(&message, &[data(&format!("{kind}.spki.sig"))], now).is_err());
        verifier.trust_file(&path(&format!("{kind}.pub.pem"))).unwrap();
        let words = verifier.verify(&message, &[data(&format!("{kind}.spki.sig"))], now).unwrap();
        assert!(words.starts_with("spki: Signature verified successfully with key '30"));
        let mut signer = EngineSigner::from_file(Engine::Spki, &path(&format!("{kind}.pem")), now).unwrap();
        let signature = signer.sign(b"new", now).unwrap();
        assert!(verifier.verify(b"new", &[b"nonsense".to_vec(), signature.clone()], now).is_ok());
        assert!(verifier.verify(b"old", &[signature], now).is_err());
    }
    assert!(EngineVerifier::new(Engine::Spki).unwrap().trust_inline("x", "AAAA").is_err());
    let mut pgp = EngineVerifier::new(Engine::Pgp).unwrap();
    pgp.trust_file(&path("trusted.gpg")).unwrap();
    assert!(pgp.verify(&message, &[data("dave.sig"), data("alice.sig")], now).is_ok());
    let why = pgp.verify(&message, &[data("dave.sig")], now).unwrap_err().to_string();
    assert!(why.starts_with("pgp: Signature couldn't be verified: key '4D40") && why.ends_with("the key was revoked"));
    assert!(matches!("frob".parse::<Engine>(), Err(UnknownEngine)));
}

#[test]
fn revoked_keys_of_a_directory() {
    let place = tempfile::tempdir().unwrap();
    let trusted = place.path().join("trusted.spki.d");
    std::fs::create_dir(&trusted).unwrap();
    std::fs::copy(path("p256.pub.pem"), trusted.join("one")).unwrap();
    let directory = KeyDirectory(place.path().to_owned());
    let mut verifier = EngineVerifier::new(Engine::Spki).unwrap();
    verifier.trust_directory(&directory).unwrap();
    let verify =
        |verifier: &EngineVerifier| verifier.verify(&data("message"), &[data("p256.spki.sig")], year(2027)).is_ok();
    assert!(verify(&verifier));
    std::fs::copy(path("p256.pub.pem"), place.path().join("revoked.spki")).unwrap();
    verifier.revoke_directory(&directory).unwrap();
    assert!(!verify(&verifier));
}

fn commit(trust: &RemoteTrust, signatures: &[(&str, &[&str])]) -> Result<(), String> {
    let metadata: Metadata = signatures
        .iter()
        .map(|(key, files)| {
            let files: Vec<Vec<u8>> = files.iter().map(|name| data(name)).collect();
            (*key, RawVariant::byte_arrays(files.iter().map(Vec::as_slice)))
        })
        .collect();
    let verifier = CommitVerifier::new(trust, year(2027), |time| time.to_string()).map_err(|why| why.to_string())?;
    let detached = (!signatures.is_empty()).then(|| metadata.encode());
    let message = data("message");
    let id = CommitId::new(ostree_core::Checksum::of(&message));
    verifier.verify_commit(&id, &message, detached.as_deref()).map_err(|why| why.to_string())
}

#[test]
fn remotes() {
    const GPG: &str = "ostree.gpgsigs";
    let gpg =
        RemoteTrust { gpg_verify: true, keyrings: vec![path("absent"), path("trusted.gpg")], ..RemoteTrust::default() };
    assert_eq!(commit(&gpg, &[(GPG, &["alice.sig"])]), Ok(()));
    assert_eq!(commit(&gpg, &[(GPG, &["dave.sig", "alice.sig"])]), Ok(()));
    assert!(
        commit(&gpg, &[(GPG, &["dave.sig"])]).unwrap_err().contains(": Signature made 1767268800 using EdDSA key ID")
    );
    assert!(commit(&gpg, &[]).unwrap_err().ends_with("(use gpg-verify=false in remote config to disable)"));
    assert!(commit(&gpg, &[("other", &["alice.sig"])]).is_err());

    let keys = |file: &str| [(Engine::Spki, EngineKeys { key: None, file: Some(path(file)) })].into_iter().collect();
    let spki =
        RemoteTrust { sign_verify: SignVerify::Any, engine_keys: keys("p256.pub.pem"), ..RemoteTrust::default() };
    let good = ("ostree.sign.spki", &["p256.spki.sig"][..]);
    assert_eq!(commit(&spki, &[good]), Ok(()));
    assert_eq!(commit(&spki, &[("ostree.sign.spki", &["rsa.spki.sig", "p256.spki.sig"])]), Ok(()));
    assert!(
        commit(&spki, &[("ostree.sign.spki", &["rsa.spki.sig"])])
            .unwrap_err()
            .contains("couldn't be verified with: key '")
    );
    assert_eq!(commit(&spki, &[]), Err("Can't verify commit without detached metadata".into()));
    assert_eq!(commit(&spki, &[(GPG, &["alice.sig"])]), Err("Can't verify commit: No signatures found".into()));

    let both = RemoteTrust { sign_verify: SignVerify::Any, engine_keys: keys("p256.pub.pem"), ..gpg.clone() };
    assert_eq!(commit(&both, &[(GPG, &["alice.sig"]), good]), Ok(()));
    assert!(commit(&both, &[(GPG, &["alice.sig"])]).is_err());
    assert!(commit(&both, &[good]).is_err());

    let keyless = RemoteTrust { sign_verify: SignVerify::parse("spki,ed25519").unwrap(), ..RemoteTrust::default() };
    assert_eq!(commit(&keyless, &[good]), Err("No keys found for required signapi type spki".into()));
    let nothing = CommitVerifier::new(&RemoteTrust::default(), year(2027), |time| time.to_string()).unwrap();
    assert!(matches!(nothing.require_checks(), Err(SignError::ChecksNothing { .. })));
}
