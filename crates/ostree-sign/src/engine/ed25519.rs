//! Ed25519 with raw keys, as libsodium has them.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::error::SignError;

const SIGNATURE_SIZE: usize = 64;
const PUBLIC_SIZE: usize = 32;
const SECRET_SIZE: usize = 64;

/// Refuses what is no public key.
pub(super) fn check_public(what: &str, key: &[u8]) -> Result<(), SignError> {
    match key.len() {
        PUBLIC_SIZE => Ok(()),
        other => {
            Err(SignError::malformed(what, format!("an ed25519 public key of {other} bytes instead of {PUBLIC_SIZE}")))
        }
    }
}

/// Whether the signature is one of `key` over `message`. A signature of a wrong length is an error.
pub(super) fn verify(key: &[u8], signature: &[u8], message: &[u8]) -> Result<bool, SignError> {
    let wrong = |length| format!("{length} bytes instead of {SIGNATURE_SIZE}");
    let signature = Signature::from_slice(signature)
        .map_err(|_| SignError::malformed("ed25519 signature", wrong(signature.len())))?;
    let key: Option<VerifyingKey> = key.try_into().ok().and_then(|bytes| VerifyingKey::from_bytes(bytes).ok());
    Ok(key.is_some_and(|key| key.verify_strict(message, &signature).is_ok()))
}

/// The secret key of seed and public key; a seed alone is taken too.
pub(super) fn secret(what: &str, bytes: &[u8]) -> Result<SigningKey, SignError> {
    let refuse = |reason: String| SignError::malformed(what, reason);
    match bytes.len() {
        PUBLIC_SIZE => bytes.try_into().map(SigningKey::from_bytes).map_err(|_| refuse("not a key".to_owned())),
        SECRET_SIZE => {
            let both = bytes.try_into().map_err(|_| refuse("not a key".to_owned()))?;
            SigningKey::from_keypair_bytes(both)
                .map_err(|_| refuse("the halves of the key do not fit together".to_owned()))
        }
        other => Err(refuse(format!("an ed25519 secret key of {other} bytes instead of {SECRET_SIZE}"))),
    }
}

/// The signature over `message`.
pub(super) fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    key.sign(message).to_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_and_verify() {
        let key = secret("x", &[7; 32]).unwrap();
        let signature = sign(&key, b"message");
        let public = key.verifying_key().to_bytes();
        assert!(verify(&public, &signature, b"message").unwrap());
        assert!(!verify(&public, &signature, b"massage").unwrap());
        assert!(!verify(&[7; 32], &signature, b"message").unwrap());
        assert!(!verify(&[0; 32], &signature, b"message").unwrap());
        assert!(verify(&public, &signature[1..], b"message").is_err());
        assert_eq!(secret("x", &key.to_keypair_bytes()).unwrap(), key);
        assert!(secret("x", &[7; 64]).is_err());
        assert!(secret("x", &[7; 63]).is_err());
        assert!(check_public("x", &[7; 31]).is_err());
    }
}
