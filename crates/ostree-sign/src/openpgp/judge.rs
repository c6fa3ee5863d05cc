//! One signature, one key, one time: the verdict.

use std::time::{SystemTime, UNIX_EPOCH};

use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::amalgamation::key::ErasedKeyAmalgamation;
use sequoia_openpgp::cert::amalgamation::{UserIDAmalgamation, ValidAmalgamation, ValidateAmalgamation};
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::packet::key::PublicParts;
use sequoia_openpgp::policy::{HashAlgoSecurity, Policy, StandardPolicy};
use sequoia_openpgp::types::{RevocationStatus, SignatureType};

use crate::limits::MAX_SIGNATURES;
use crate::openpgp::report::Outcome;
use crate::openpgp::user_id::UserId;

/// A key of a certificate.
pub(super) type AnyKey<'c> = ErasedKeyAmalgamation<'c, PublicParts>;

/// What a certificate says about its owner.
pub(super) struct Facts {
    pub(super) user_ids: Vec<UserId>,
    pub(super) primary_expires: Option<u64>,
}

impl Facts {
    pub(super) fn of(cert: &Cert, now: SystemTime) -> Self {
        let policy = StandardPolicy::new();
        let valid = cert.with_policy(&policy, now).ok();
        let primary = valid.as_ref().and_then(|valid| valid.primary_userid().ok()).map(|id| id.userid().clone());
        let is_first = |id: &UserIDAmalgamation<'_>| Some(id.userid()) == primary.as_ref();
        let (first, others): (Vec<_>, Vec<_>) = cert.userids().partition(is_first);
        let user = |id: UserIDAmalgamation<'_>| UserId {
            text: shown(id.userid().value()),
            is_revoked: is_revoked(cert, now)
                || matches!(id.revocation_status(&policy, now), RevocationStatus::Revoked(_)),
        };
        Self {
            user_ids: first.into_iter().chain(others).map(user).collect(),
            primary_expires: key_expiry(cert, &cert.fingerprint(), now),
        }
    }
}

/// A text of a stranger as it may be shown: without what a terminal would obey.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// When a key of the certificate expires, if it does.
pub(super) fn key_expiry(cert: &Cert, key: &sequoia_openpgp::Fingerprint, now: SystemTime) -> Option<u64> {
    let policy = StandardPolicy::new();
    let key = cert.keys().with_policy(&policy, now).find(|candidate| candidate.key().fingerprint() == *key)?;
    key.key_expiration_time().map(seconds)
}

/// Whether the whole certificate was revoked at the time `now`, by its owner.
pub(super) fn is_revoked(cert: &Cert, now: SystemTime) -> bool {
    matches!(cert.revocation_status(&StandardPolicy::new(), now), RevocationStatus::Revoked(_))
}

/// Whether the certificate was revoked by somebody among `others` whom its owner named for that.
fn is_revoked_for_owner(cert: &Cert, others: &[Cert], now: SystemTime) -> bool {
    let policy = StandardPolicy::new();
    let RevocationStatus::CouldBe(signatures) = cert.revocation_status(&policy, now) else { return false };
    let named: Vec<_> = cert.revocation_keys(&policy).map(|key| key.revoker().1.clone()).collect();
    let subject = cert.primary_key();
    others.iter().filter(|other| named.contains(&other.fingerprint())).any(|other| {
        let revoker = other.primary_key();
        let is_by =
            |signature: &&Signature| signature.verify_primary_key_revocation(revoker.key(), subject.key()).is_ok();
        signatures.iter().take(MAX_SIGNATURES).any(is_by)
    })
}

/// What `signature` is worth, if `key` made it over `message`. Who may have revoked the key for its owner is among `others`.
pub(super) fn judge(
    signature: &Signature,
    key: &AnyKey<'_>,
    message: &[u8],
    (now, others): (SystemTime, &[Cert]),
) -> Outcome {
    if signature.typ() != SignatureType::Binary {
        return Outcome::Unsupported(format!("signature type {}", signature.typ()));
    }
    if !signature.hash_algo().is_supported() {
        return Outcome::Unsupported(format!("hash algorithm {}", signature.hash_algo()));
    }
    if !signature.pk_algo().is_supported() {
        return Outcome::Unsupported(format!("public key algorithm {}", signature.pk_algo()));
    }
    if signature.verify_message(key.key(), message).is_err() {
        return Outcome::Bad;
    }
    let revoked = || is_revoked_for_owner(key.cert(), others, now).then_some(Outcome::KeyRevoked);
    of_signature(signature, now).or_else(|| of_key(signature, key, now)).or_else(revoked).unwrap_or(Outcome::Good)
}

/// What is wrong with a signature that the key did make.
fn of_signature(signature: &Signature, now: SystemTime) -> Option<Outcome> {
    let Some(created) = signature.signature_creation_time() else {
        return Some(Outcome::Unsupported("it does not say when it was made".to_owned()));
    };
    if let Err(why) = StandardPolicy::new().signature(signature, HashAlgoSecurity::CollisionResistance) {
        return Some(Outcome::Weak(why.to_string()));
    }
    // This knows of clocks that are a little wrong.
    if signature.signature_alive(now, None).is_err() {
        let is_over = signature.signature_expiration_time().is_some_and(|end| end <= now);
        return Some(if is_over || created <= now { Outcome::SignatureExpired } else { Outcome::NotYetValid });
    }
    None
}

/// What is wrong with the key that made the signature.
fn of_key(signature: &Signature, key: &AnyKey<'_>, now: SystemTime) -> Option<Outcome> {
    let policy = StandardPolicy::new();
    let made = key.key().creation_time();
    if made > now {
        return Some(Outcome::NotYetValid);
    }
    if signature.signature_creation_time().is_none_or(|created| created < made) {
        return Some(Outcome::KeyUnusable("it is newer than the signature".to_owned()));
    }
    let is_revoked = |status| matches!(status, RevocationStatus::Revoked(_));
    if is_revoked(key.cert().revocation_status(&policy, now)) {
        return Some(Outcome::KeyRevoked);
    }
    let valid = match key.clone().with_policy(&policy, now) {
        Ok(valid) => valid,
        Err(why) => return Some(Outcome::KeyUnusable(why.to_string())),
    };
    if is_revoked(valid.revocation_status()) {
        return Some(Outcome::KeyRevoked);
    }
    if valid.valid_cert().alive().is_err() || valid.alive().is_err() {
        return Some(Outcome::KeyExpired);
    }
    if !valid.for_signing() {
        return Some(Outcome::KeyUnusable("it is not for signing".to_owned()));
    }
    None
}

/// Seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
