//! Public keys as X.509 has them (`SubjectPublicKeyInfo` in DER), with the digests that OpenSSL takes by default.

use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey};
use ostree_core::Checksum;
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::{Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};

use crate::engine::ed25519;
use crate::error::SignError;

/// What PKCS#1 v1.5 puts before a SHA-256 digest.
const SHA256_DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// A public key of a kind that is known.
pub(super) enum Public {
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    P256(Box<p256::ecdsa::VerifyingKey>),
    P384(Box<p384::ecdsa::VerifyingKey>),
    Rsa(Box<RsaPublicKey>),
}

/// A secret key of a kind that is known.
pub(super) enum Secret {
    Ed25519(Box<ed25519_dalek::SigningKey>),
    P256(Box<p256::ecdsa::SigningKey>),
    P384(Box<p384::ecdsa::SigningKey>),
    Rsa(Box<RsaPrivateKey>),
}

impl Public {
    /// Reads a key.
    pub(super) fn from_der(what: &str, der: &[u8]) -> Result<Self, SignError> {
        let ed25519 = || Some(Self::Ed25519(Box::new(ed25519_dalek::VerifyingKey::from_public_key_der(der).ok()?)));
        let p256 = || Some(Self::P256(Box::new(p256::PublicKey::from_public_key_der(der).ok()?.into())));
        let p384 = || Some(Self::P384(Box::new(p384::PublicKey::from_public_key_der(der).ok()?.into())));
        let rsa = || Some(Self::Rsa(Box::new(RsaPublicKey::from_public_key_der(der).ok()?)));
        let found = ed25519().or_else(p256).or_else(p384).or_else(rsa);
        found.ok_or_else(|| {
            SignError::malformed(what, "not a public key of a kind that is known (Ed25519, P-256, P-384, RSA)")
        })
    }

    /// Whether the signature is one of this key over `message`.
    pub(super) fn verify(&self, signature: &[u8], message: &[u8]) -> bool {
        let digest = Checksum::of(message);
        let digest = digest.as_bytes();
        match self {
            Self::Ed25519(key) => ed25519::verify(key.as_bytes(), signature, message).unwrap_or(false),
            Self::P256(key) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()),
            Self::P384(key) => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()),
            Self::Rsa(key) => key.verify(Pkcs1v15Sign::new_unprefixed(), &digest_info(digest), signature).is_ok(),
        }
    }
}

impl Secret {
    /// Reads a key: PKCS#8, for elliptic curves also SEC 1, for RSA also PKCS#1.
    pub(super) fn from_der(what: &str, der: &[u8]) -> Result<Self, SignError> {
        let ed25519 = || Some(Self::Ed25519(Box::new(ed25519_dalek::SigningKey::from_pkcs8_der(der).ok()?)));
        let p256 = || {
            let key = p256::SecretKey::from_pkcs8_der(der).ok().or_else(|| p256::SecretKey::from_sec1_der(der).ok())?;
            Some(Self::P256(Box::new(key.into())))
        };
        let p384 = || {
            let key = p384::SecretKey::from_pkcs8_der(der).ok().or_else(|| p384::SecretKey::from_sec1_der(der).ok())?;
            Some(Self::P384(Box::new(key.into())))
        };
        let rsa = || {
            let key = RsaPrivateKey::from_pkcs8_der(der).ok().or_else(|| RsaPrivateKey::from_pkcs1_der(der).ok())?;
            Some(Self::Rsa(Box::new(key)))
        };
        let found = ed25519().or_else(p256).or_else(p384).or_else(rsa);
        found.ok_or_else(|| {
            SignError::malformed(what, "not a secret key of a kind that is known (Ed25519, P-256, P-384, RSA)")
        })
    }

    /// The signature over `message`.
    pub(super) fn sign(&self, what: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let digest = Checksum::of(message);
        let digest = digest.as_bytes();
        let ecdsa = |why: p256::ecdsa::Error| SignError::malformed(what, why);
        match self {
            Self::Ed25519(key) => Ok(ed25519::sign(key, message)),
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign_prehash(digest).map_err(ecdsa)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign_prehash(digest).map_err(ecdsa)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Self::Rsa(key) => key
                .sign(Pkcs1v15Sign::new_unprefixed(), &digest_info(digest))
                .map_err(|why| SignError::malformed(what, why)),
        }
    }
}

fn digest_info(digest: &[u8]) -> Vec<u8> {
    [&SHA256_DIGEST_INFO[..], digest].concat()
}
