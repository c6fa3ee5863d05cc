//! Making signatures of images: what is said, and with which key.

use std::collections::BTreeMap;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oci_image::{Digest, Named};
use ostree_sign::openpgp::SigningKey;

use crate::payload::PayloadKind;
use crate::signature::annotation;
use crate::sigstore_key::SigstoreKey;

/// What a signature is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The name of the image. Rules by default accept only a name with a tag or digest.
    pub name: Named,
    /// The digest of its manifest or index.
    pub digest: Digest,
    /// When it is said.
    pub time: SystemTime,
}

/// A payload and the annotations that make it a sigstore signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigstoreSignature {
    /// What is signed.
    pub payload: Vec<u8>,
    /// The signature.
    pub annotations: BTreeMap<String, String>,
}

impl Statement {
    /// The payload of that kind.
    pub fn payload(&self, kind: PayloadKind) -> Vec<u8> {
        let since = self.time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let payload = serde_json::json!({
            "critical": {
                "type": kind.text(),
                "image": {"docker-manifest-digest": self.digest.to_string()},
                "identity": {"docker-reference": self.name.to_string()},
            },
            "optional": {"creator": concat!("ostree-container ", env!("CARGO_PKG_VERSION")), "timestamp": since.as_secs()},
        });
        payload.to_string().into_bytes()
    }

    /// A simple signature: an OpenPGP message with the payload.
    ///
    /// # Errors
    /// What the key, or the agent that has it, says.
    pub fn sign_simple(&self, key: &mut SigningKey) -> Result<Vec<u8>, ostree_sign::SignError> {
        key.sign_inline(&self.payload(PayloadKind::Simple), self.time)
    }

    /// A signature as `cosign` and `skopeo` make it with a key of their own.
    ///
    /// # Errors
    /// Where the system gives no random numbers.
    pub fn sign_sigstore(&self, key: &SigstoreKey) -> Result<SigstoreSignature, String> {
        let payload = self.payload(PayloadKind::Sigstore);
        let signature = STANDARD.encode(key.sign(&payload)?);
        let annotations = BTreeMap::from([(annotation::SIGNATURE.to_owned(), signature)]);
        Ok(SigstoreSignature { payload, annotations })
    }
}
