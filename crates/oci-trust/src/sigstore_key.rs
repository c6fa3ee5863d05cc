//! Private keys as `cosign generate-key-pair` and `skopeo generate-sigstore-key` write them: under a passphrase, by scrypt and
//! NaCl's secretbox.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::Aead;
use crypto_secretbox::{KeyInit, XSalsa20Poly1305};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

use crate::json::{At, Json};
use crate::limits::{SCRYPT_BLOCKS, SCRYPT_LOG_N};
use crate::pem;

/// What the PEM block is called: by the newer programs, and by the older ones.
const LABELS: [&str; 2] = ["ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"];

/// A private key: ECDSA on P-256, as all these programs make them.
pub struct SigstoreKey(EcdsaKeyPair);

impl fmt::Debug for SigstoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigstoreKey")
    }
}

impl SigstoreKey {
    /// Reads the file with a key.
    ///
    /// # Errors
    /// What is wrong with it, also that it is under another passphrase. No message holds any of it.
    pub fn parse(text: &[u8], passphrase: &[u8]) -> Result<Self, String> {
        let blocks = pem::blocks(text)?;
        let block = blocks.first().ok_or("there is no PEM block")?;
        if !LABELS.contains(&block.label.as_str()) {
            return Err(format!("{} is neither {} nor {}", crate::error::shown(&block.label), LABELS[0], LABELS[1]));
        }
        let pkcs8 = open(&block.content, passphrase)?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8, &SystemRandom::new());
        key.map(Self).map_err(|_| "not an ECDSA key on P-256".to_owned())
    }

    /// A signature over a message, in DER form.
    ///
    /// # Errors
    /// Where the system gives no random numbers.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let signature = self.0.sign(&SystemRandom::new(), message);
        signature.map(|signature| signature.as_ref().to_vec()).map_err(|_| "there are no random numbers".to_owned())
    }
}

/// The key's PKCS #8 form.
fn open(envelope: &[u8], passphrase: &[u8]) -> Result<Vec<u8>, String> {
    let json = Json::parse(envelope).map_err(|_| "the encrypted key is not JSON".to_owned())?;
    let mut members = At::top(&json).object()?;
    let mut kdf = members.required("kdf")?.object()?;
    let mut cipher = members.required("cipher")?.object()?;
    let decode = |at: At<'_>| STANDARD.decode(at.text()?).map_err(|_| at.wrong("not base64"));
    let ciphertext = decode(members.required("ciphertext")?)?;
    let expect = |at: At<'_>, name: &str| match at.text()? {
        text if text == name => Ok(()),
        other => Err(at.wrong(format_args!("{:?} is not {name:?}", crate::error::shown(other)))),
    };
    expect(kdf.required("name")?, "scrypt")?;
    expect(cipher.required("name")?, "nacl/secretbox")?;
    let salt = decode(kdf.required("salt")?)?;
    let nonce: [u8; 24] = decode(cipher.required("nonce")?)?.try_into().map_err(|_| "the nonce has not 24 bytes")?;
    let mut params = kdf.required("params")?.object()?;
    let mut number = |name: &str| {
        let at = params.required(name)?;
        u32::try_from(at.integer()?).map_err(|_| at.wrong("out of range"))
    };
    let (n, r, p) = (number("N")?, number("r")?, number("p")?);
    let work =
        |n: u32| n.is_power_of_two() && n.ilog2() <= SCRYPT_LOG_N && u64::from(r) * u64::from(p) <= SCRYPT_BLOCKS;
    let log_n = u8::try_from(n.max(1).ilog2()).unwrap_or(u8::MAX);
    let params = scrypt::Params::new(log_n, r, p, 32).ok().filter(|_| work(n));
    let params = params.ok_or("scrypt with such numbers is not supported")?;
    let mut key = [0; 32];
    scrypt::scrypt(passphrase, &salt, &params, &mut key).map_err(|error| error.to_string())?;
    let opened = XSalsa20Poly1305::new(&key.into()).decrypt(&nonce.into(), ciphertext.as_slice());
    opened.map_err(|_| "the passphrase is wrong".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::public_key::PublicKey;

    /// Made by openssl, and put under the passphrase `hunter2` by PyNaCl and Python's hashlib.
    const KEY: &str = include_str!("../testdata/sigstore.key");
    const PUBLIC: &[u8] = include_bytes!("../testdata/sigstore.pub");

    #[test]
    fn signs_what_the_public_key_verifies() {
        let public = PublicKey::from_pem(PUBLIC).unwrap();
        for label in LABELS {
            let key = SigstoreKey::parse(KEY.replace(LABELS[0], label).as_bytes(), b"hunter2").unwrap();
            assert!(public.verify(b"message", &key.sign(b"message").unwrap()));
        }
    }

    #[test]
    fn what_is_no_key_or_locked() {
        let refused = |text: &str, passphrase: &[u8]| SigstoreKey::parse(text.as_bytes(), passphrase).unwrap_err();
        assert_eq!(refused(KEY, b"hunter3"), "the passphrase is wrong");
        assert!(refused(&KEY.replace(LABELS[0], "PRIVATE KEY"), b"").contains("PRIVATE KEY is neither"));
        let with = |from: &str, to: &str| {
            let block = pem::blocks(KEY.as_bytes()).unwrap().remove(0);
            let json = String::from_utf8(block.content).unwrap();
            assert!(json.contains(from), "{json}");
            let body = STANDARD.encode(json.replace(from, to));
            refused(&format!("-----BEGIN {0}-----\n{body}\n-----END {0}-----\n", LABELS[0]), b"hunter2")
        };
        assert!(with("32768", "1073741824").contains("not supported"));
        assert!(with("32768", "0").contains("not supported"));
        assert!(with("\"r\": 8", "\"r\": 800000").contains("not supported"));
        assert!(with("secretbox", "box").contains("cipher.name"));
        assert!(with("\"N\"", "\"M\"").contains("\"N\" is missing"));
    }
}
