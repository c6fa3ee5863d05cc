//! GnuPG's directories: certificates in `pubring.kbx` or `pubring.gpg`, secret parts in `private-keys-v1.d`.

use std::path::Path;

use sequoia_openpgp::Cert;
use sequoia_openpgp::crypto::mpi;
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{PublicParts, SecretKeyMaterial, UnspecifiedRole};

use crate::error::SignError;
use crate::key_file;
use crate::openpgp::agent::Agent;
use crate::openpgp::certs;
use crate::openpgp::sexp::{Sexp, without_zeros};
use crate::openpgp::signer::Hand;

/// The certificates of a directory.
pub(super) fn certs(home: &Path) -> Result<Vec<Cert>, SignError> {
    let mut found = Vec::new();
    for name in ["pubring.kbx", "pubring.gpg", "secring.gpg"] {
        let path = home.join(name);
        if path.is_file() {
            let certs = certs::parse(&path.display().to_string(), &key_file::read(&path)?)?;
            certs.into_iter().for_each(|cert| merge(&mut found, cert));
        }
    }
    Ok(found)
}

fn merge(found: &mut Vec<Cert>, cert: Cert) {
    match found.iter_mut().find(|known| known.fingerprint() == cert.fingerprint()) {
        Some(known) => {
            if let Ok(merged) = known.clone().merge_public_and_secret(cert) {
                *known = merged;
            }
        }
        None => found.push(cert),
    }
}

/// How to sign with a key of the directory: with its file, or by its agent. `None` if the directory has no such secret key.
pub(super) fn hand(home: &Path, key: &Key<PublicParts, UnspecifiedRole>) -> Result<Option<Hand>, SignError> {
    let directory = home.join("private-keys-v1.d");
    let mut is_there = false;
    for path in if directory.is_dir() { key_file::files_of(&directory)? } else { Vec::new() } {
        let what = path.display().to_string();
        let bytes = key_file::read(&path)?;
        let Ok(sexp) = Sexp::parse(&what, expression(&bytes)) else { continue };
        if !is_same(key, &sexp) {
            continue;
        }
        is_there = true;
        if sexp.head() == Some(b"private-key") {
            return secret(key, &sexp)
                .and_then(|secret| key.clone().add_secret(secret).0.into_keypair().ok())
                .map(|pair| Some(Hand::local(pair)))
                .ok_or_else(|| SignError::malformed(what, "not a kind of key that can sign here"));
        }
    }
    let by_agent = match Agent::connect(home)? {
        Some(mut agent) => agent.find(|sexp| is_same(key, sexp))?.map(|grip| Hand::agent(key.clone(), agent, grip)),
        None => None,
    };
    match by_agent {
        None if is_there => Err(SignError::LockedKey { key: key.fingerprint().into(), place: home.to_owned() }),
        hand => Ok(hand),
    }
}

/// Whether the content of a file of `private-keys-v1.d` is a secret key under a passphrase, or on a card; `None` if it is no
/// secret key at all.
pub fn is_locked(bytes: &[u8]) -> Option<bool> {
    let sexp = Sexp::parse("private key", expression(bytes)).ok()?;
    match sexp.head()? {
        b"private-key" => Some(false),
        b"protected-private-key" | b"shadowed-private-key" => Some(true),
        _ => None,
    }
}

/// The key itself: the whole file, or in newer ones, which are lines of `NAME: VALUE`, that of `Key`.
fn expression(bytes: &[u8]) -> &[u8] {
    const NAME: &[u8] = b"Key:";
    if bytes.first() == Some(&b'(') {
        return bytes;
    }
    let starts = (0..bytes.len()).filter(|at| *at == 0 || bytes.get(at - 1) == Some(&b'\n'));
    let found = starts.filter_map(|at| bytes.get(at..)?.strip_prefix(NAME)).next();
    found.unwrap_or_default()
}

/// Whether public or secret parts of a key belong to `key`.
fn is_same(key: &Key<PublicParts, UnspecifiedRole>, sexp: &Sexp) -> bool {
    let (name, value): (&[u8], &[u8]) = match key.mpis() {
        mpi::PublicKey::RSA { n, .. } => (b"n", n.value()),
        mpi::PublicKey::DSA { y, .. } => (b"y", y.value()),
        mpi::PublicKey::ECDSA { q, .. } | mpi::PublicKey::EdDSA { q, .. } => (b"q", q.value()),
        _ => return false,
    };
    // Points are with and without the byte that says which form they have.
    let plain = |point: &[u8]| match point.split_first() {
        Some((0x40, rest)) if rest.len() == 32 => rest.to_vec(),
        _ => point.to_vec(),
    };
    sexp.number(name).is_some_and(|theirs| plain(theirs) == plain(without_zeros(value)))
}

/// The secret parts of a key that is not protected.
fn secret(key: &Key<PublicParts, UnspecifiedRole>, sexp: &Sexp) -> Option<SecretKeyMaterial> {
    let number = |name: &[u8]| sexp.number(name).map(|bytes| mpi::ProtectedMPI::from(bytes.to_vec()));
    let parts = match key.mpis() {
        mpi::PublicKey::RSA { .. } => {
            mpi::SecretKeyMaterial::RSA { d: number(b"d")?, p: number(b"p")?, q: number(b"q")?, u: number(b"u")? }
        }
        mpi::PublicKey::DSA { .. } => mpi::SecretKeyMaterial::DSA { x: number(b"x")? },
        mpi::PublicKey::ECDSA { .. } => mpi::SecretKeyMaterial::ECDSA { scalar: number(b"d")? },
        mpi::PublicKey::EdDSA { .. } => mpi::SecretKeyMaterial::EdDSA { scalar: number(b"d")? },
        _ => return None,
    };
    Some(parts.into())
}
