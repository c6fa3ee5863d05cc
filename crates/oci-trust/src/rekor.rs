//! What a transparency log promised: that it has seen a signature, and when.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oci_image::Digest;

use crate::error::shown;
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

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The payload itself.
    Payload,
    /// The payload as that of an envelope.
    Envelope,
}

/// What an entry must be about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) kind: Kind,
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
        let spec = members.required("spec")?;
        let found = match (entry.kind, kind.text()?, version.text()?) {
            (Kind::Payload, "hashedrekord", "0.0.1") => Logged::payload(&spec)?,
            (Kind::Envelope, "dsse", "0.0.1") => Logged::envelope(&spec)?,
            (_, kind, version) => {
                return Err(format!("the log's entry is of another kind: {} {}", shown(kind), shown(version)));
            }
        };
        if found.hash != Digest::sha256(entry.payload).hex() {
            return Err("the log's entry is about another payload".to_owned());
        }
        if found.signature != entry.signature {
            return Err("the log's entry is about another signature".to_owned());
        }
        match pem::blocks(&found.signer)?.as_slice() {
            [only] if only.content == entry.signer => Ok(()),
            _ => Err("the log's entry is about another key".to_owned()),
        }
    }
}

/// What a log has written down.
struct Logged {
    /// The SHA-256 of the payload.
    hash: String,
    signature: Vec<u8>,
    /// The key or certificate, in PEM form.
    signer: Vec<u8>,
}

impl Logged {
    fn payload(spec: &At<'_>) -> Result<Self, String> {
        let mut spec = spec.object()?;
        let hash = sha256(&spec.required("data")?.object()?.required("hash")?)?;
        let mut signature = spec.required("signature")?.object()?;
        let signer = decode(&signature.required("publicKey")?.object()?.required("content")?)?;
        Ok(Self { hash, signature: decode(&signature.required("content")?)?, signer })
    }

    fn envelope(spec: &At<'_>) -> Result<Self, String> {
        let mut spec = spec.object()?;
        let hash = sha256(&spec.required("payloadHash")?)?;
        let signatures = spec.required("signatures")?;
        let [only] = signatures.list()?.try_into().map_err(|_| signatures.wrong("not exactly one signature"))?;
        let mut only = only.object()?;
        Ok(Self {
            hash,
            signature: decode(&only.required("signature")?)?,
            signer: decode(&only.required("verifier")?)?,
        })
    }
}

fn sha256(at: &At<'_>) -> Result<String, String> {
    let mut members = at.object()?;
    let algorithm = members.required("algorithm")?;
    match algorithm.text()? {
        "sha256" => Ok(members.required("value")?.text()?.to_owned()),
        other => Err(algorithm.wrong(format_args!("{:?} is not \"sha256\"", shown(other)))),
    }
}

fn decode(at: &At<'_>) -> Result<Vec<u8>, String> {
    STANDARD.decode(at.text()?).map_err(|error| at.wrong(error))
}
