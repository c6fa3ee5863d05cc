//! Public keys of sigstore: ECDSA, Ed25519 and RSA, as SubjectPublicKeyInfo (RFC 5280, RFC 5480, RFC 8410).

use std::fmt;

use oci_image::Digest;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

use crate::der::{Der, tag};
use crate::pem;

const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// What a key is for. The hash is always SHA-256, but for Ed25519, which has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    P256,
    P384,
    Ed25519,
    Rsa,
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: Kind,
    /// The key as its algorithm has it.
    key: Vec<u8>,
    /// The whole SubjectPublicKeyInfo.
    spki: Vec<u8>,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Display for PublicKey {
    /// The algorithm and the SHA-256 of the key's DER form, which is what other programs show too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::P256 => "ECDSA P-256",
            Kind::P384 => "ECDSA P-384",
            Kind::Ed25519 => "Ed25519",
            Kind::Rsa => "RSA",
        };
        write!(f, "{kind} {}", self.fingerprint())
    }
}

impl PublicKey {
    /// Reads a key in PEM form, the first block of the text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_pem(text: &[u8]) -> Result<Self, String> {
        match pem::blocks(text)?.first() {
            Some(block) if block.label == "PUBLIC KEY" => Self::from_spki(&block.content),
            Some(block) => Err(format!("{} is not PUBLIC KEY", block.label)),
            None => Err("there is no PEM block".to_owned()),
        }
    }

    /// Reads a key in DER form.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_spki(spki: &[u8]) -> Result<Self, String> {
        let parts = || {
            let mut whole = Der(spki);
            let mut outer = whole.take(tag::SEQUENCE).filter(|_| whole.is_empty())?;
            let mut algorithm = outer.take(tag::SEQUENCE)?;
            let key = outer.bits().filter(|_| outer.is_empty())?;
            let name = algorithm.take(tag::OID)?.0;
            Some((name, algorithm.take(tag::OID).map(|curve| curve.0), key))
        };
        let (name, curve, key) = parts().ok_or("not a public key in DER form")?;
        let kind = match (name, curve) {
            (EC, Some(P256)) => Kind::P256,
            (EC, Some(P384)) => Kind::P384,
            (ED25519, None) => Kind::Ed25519,
            (RSA, None) => Kind::Rsa,
            (EC, _) => return Err("a curve that is neither P-256 nor P-384".to_owned()),
            _ => return Err("neither an ECDSA, an Ed25519 nor an RSA key".to_owned()),
        };
        if kind == Kind::Ed25519 && key.len() != 32 {
            return Err("an Ed25519 key has 32 bytes".to_owned());
        }
        Ok(Self { kind, key: key.to_vec(), spki: spki.to_vec() })
    }

    /// The SHA-256 of the key's DER form, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        Digest::sha256(&self.spki).hex().to_owned()
    }

    /// The key's DER form.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Whether `signature` is one of this key over `message`. Signatures of ECDSA are in DER form; RSA keys have 2048 to 8192
    /// bits and PKCS #1 v1.5 padding.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &dyn VerificationAlgorithm = match self.kind {
            Kind::P256 => &signature::ECDSA_P256_SHA256_ASN1,
            Kind::P384 => &signature::ECDSA_P384_SHA256_ASN1,
            Kind::Ed25519 => &signature::ED25519,
            Kind::Rsa => &signature::RSA_PKCS1_2048_8192_SHA256,
        };
        UnparsedPublicKey::new(algorithm, &self.key).verify(message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `openssl`; the message is `hello`.
    const KEYS: [(&[u8], &[u8]); 4] = [
        (include_bytes!("../testdata/p256.pub"), include_bytes!("../testdata/p256.sig")),
        (include_bytes!("../testdata/p384.pub"), include_bytes!("../testdata/p384.sig")),
        (include_bytes!("../testdata/ed25519.pub"), include_bytes!("../testdata/ed25519.sig")),
        (include_bytes!("../testdata/rsa.pub"), include_bytes!("../testdata/rsa.sig")),
    ];

    #[test]
    fn signatures_by_openssl() {
        for (pem, signature) in KEYS {
            let key = PublicKey::from_pem(pem).unwrap();
            assert!(key.verify(b"hello", signature), "{key}");
            assert!(!key.verify(b"hellO", signature), "{key}");
            let mut changed = signature.to_vec();
            changed[20] ^= 1;
            assert!(!key.verify(b"hello", &changed) && !key.verify(b"hello", b""), "{key}");
            for (other, signature) in KEYS.iter().filter(|(other, _)| *other != pem) {
                assert!(!key.verify(b"hello", signature), "{key} {other:?}");
            }
        }
    }

    #[test]
    fn what_is_no_key() {
        for (text, reason) in [
            (&include_bytes!("../testdata/p521.pub")[..], "neither P-256 nor P-384"),
            (b"", "no PEM block"),
            (b"-----BEGIN PRIVATE KEY-----\nYQ==\n-----END PRIVATE KEY-----\n", "PRIVATE KEY is not PUBLIC KEY"),
            (b"-----BEGIN PUBLIC KEY-----\nYQ==\n-----END PUBLIC KEY-----\n", "not a public key in DER form"),
        ] {
            assert!(PublicKey::from_pem(text).unwrap_err().contains(reason));
        }
    }
}
