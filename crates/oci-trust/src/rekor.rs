//! What a transparency log promised: that it has seen a signature, and when.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oci_image::Digest;

use crate::json::{At, Json};
use crate::pem;
use crate::public_key::PublicKey;

/// A log's promise: its signature over what it has written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    signature: Vec<u8>,
    /// What is signed, in the only form that it has.
    signed: Vec<u8>,
    /// The entry.
    body: Vec<u8>,
    /// When the log has seen it, in seconds since 1970.
    pub time: i64,
}

/// What an entry must be about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// The signature itself.
    pub(crate) signature: &'a [u8],
    /// What it is over.
    pub(crate) payload: &'a [u8],
    /// The DER form of the key, or of the certificate, that it is by.
    pub(crate) signer: &'a [u8],
}

impl Promise {
    /// Reads the annotation that has it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let json = Json::parse(text)?;
        let mut members = At::top(&json).object()?;
        let signature = members.required("SignedEntryTimestamp")?;
        let signature = STANDARD.decode(signature.text()?).map_err(|error| signature.wrong(error))?;
        let mut payload = members.required("Payload")?.object()?;
        members.end()?;
        let body = payload.required("body")?;
        let (time, index) = (payload.required("integratedTime")?.integer()?, payload.required("logIndex")?.integer()?);
        let log = payload.required("logID")?;
        payload.end()?;
        Self::new(signature, body.text()?, time, index, log.text()?)
    }

    /// The same from its parts; `body` in base64 and `log` in hexadecimal.
    pub(crate) fn new(signature: Vec<u8>, body: &str, time: i64, index: i64, log: &str) -> Result<Self, String> {
        if !log.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err("the log's id is not hexadecimal".to_owned());
        }
        let content = STANDARD.decode(body).map_err(|error| format!("the log's entry: {error}"))?;
        // Nothing in it needs to be escaped, and the names are in order: this is the canonical form.
        let signed =
            format!("{{\"body\":\"{body}\",\"integratedTime\":{time},\"logID\":\"{log}\",\"logIndex\":{index}}}");
        Ok(Self { signature, signed: signed.into_bytes(), body: content, time })
    }

    /// Whether one of these logs made the promise, and about this signature.
    pub(crate) fn check(&self, logs: &[PublicKey], entry: Entry<'_>) -> Result<(), String> {
        if !logs.iter().any(|log| log.verify(&self.signed, &self.signature)) {
            return Err("the log's promise is by no key of the policy".to_owned());
        }
        let json = Json::parse(&self.body)?;
        let mut members = At::top(&json).object()?;
        let (kind, version) = (members.required("kind")?, members.required("apiVersion")?);
        if (kind.text()?, version.text()?) != ("hashedrekord", "0.0.1") {
            return Err(format!("the log's entry is of an unknown kind {} {}", kind.text()?, version.text()?));
        }
        let mut spec = members.required("spec")?.object()?;
        let mut hash = spec.required("data")?.object()?.required("hash")?.object()?;
        let mut signature = spec.required("signature")?.object()?;
        let decode = |at: At<'_>| STANDARD.decode(at.text()?).map_err(|error| at.wrong(error));
        let signer = decode(signature.required("publicKey")?.object()?.required("content")?)?;
        if hash.required("algorithm")?.text()? != "sha256"
            || hash.required("value")?.text()? != Digest::sha256(entry.payload).hex()
        {
            return Err("the log's entry is about another payload".to_owned());
        }
        if decode(signature.required("content")?)? != entry.signature {
            return Err("the log's entry is about another signature".to_owned());
        }
        match pem::blocks(&signer)?.as_slice() {
            [only] if only.content == entry.signer => Ok(()),
            _ => Err("the log's entry is about another key".to_owned()),
        }
    }
}
