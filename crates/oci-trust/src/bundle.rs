//! Bundles of sigstore: one document with a signed statement about a manifest and all that is needed to check it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oci_image::{Digest, Named};

use crate::certificate::Chain;
use crate::error::shown;
use crate::json::{At, Json};
use crate::limits::SIGNATURES;
use crate::media_type::STATEMENT;
use crate::rekor::Promise;

/// The statement that somebody signs an image, and nothing more.
const SIGNS: &str = "https://sigstore.dev/cosign/sign/v1";

/// A bundle with a signed statement. Nothing of it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// What is signed: the type and the statement behind their lengths.
    signed: Vec<u8>,
    statement: Vec<u8>,
    signature: Vec<u8>,
    certificate: Option<Chain>,
    promises: Vec<Promise>,
}

/// What a statement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The digests of the manifests that it is about.
    pub digests: Vec<Digest>,
    /// The image's name, where it says one.
    pub name: Option<Named>,
}

impl Bundle {
    /// Reads a bundle of any of the versions that are in use.
    ///
    /// # Errors
    /// What is wrong with it, or not supported.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let json = Json::parse(bytes)?;
        let mut members = At::top(&json).object()?;
        members.required("mediaType")?.text()?;
        let Some(envelope) = members.optional("dsseEnvelope") else {
            return Err("a bundle without a signed statement is not supported".to_owned());
        };
        let mut envelope = envelope.object()?;
        let kind = envelope.required("payloadType")?;
        if kind.text()? != STATEMENT {
            return Err(kind.wrong(format_args!("{:?} is not {STATEMENT:?}", shown(kind.text()?))));
        }
        let decode = |at: At<'_>| STANDARD.decode(at.text()?).map_err(|error| at.wrong(error));
        let statement = decode(envelope.required("payload")?)?;
        let signatures = envelope.required("signatures")?;
        let [signature] = signatures.list()?.try_into().map_err(|_| signatures.wrong("not exactly one signature"))?;
        let signature = decode(signature.object()?.required("sig")?)?;
        let head = format!("DSSEv1 {} {STATEMENT} {} ", STATEMENT.len(), statement.len());
        let signed = [head.as_bytes(), &statement].concat();
        let (certificate, promises) = material(&members.required("verificationMaterial")?)?;
        Ok(Self { signed, statement, signature, certificate, promises })
    }

    /// The certificate of whoever signed, where it was no key of its own.
    pub(crate) fn certificate(&self) -> Option<&Chain> {
        self.certificate.as_ref()
    }

    /// What logs promised about it.
    pub(crate) fn promises(&self) -> &[Promise] {
        &self.promises
    }

    /// What is signed, without its type and lengths.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.statement
    }

    /// The bytes that are signed.
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }

    /// The signature over them.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// What is said. Whoever asks has checked who signed it.
    ///
    /// # Errors
    /// What is wrong with it, also that it says something else than that somebody signs an image.
    pub fn statement(&self) -> Result<Said, String> {
        let json = Json::parse(&self.statement)?;
        let mut members = At::top(&json).object()?;
        let kind = members.required("_type")?;
        if !matches!(kind.text()?, "https://in-toto.io/Statement/v1" | "https://in-toto.io/Statement/v0.1") {
            return Err(kind.wrong(format_args!("{:?} is no statement", shown(kind.text()?))));
        }
        let predicate = members.required("predicateType")?;
        if predicate.text()? != SIGNS {
            return Err(format!("it states {:?}, and signs nothing", shown(predicate.text()?)));
        }
        let mut statement = Said { digests: Vec::new(), name: None };
        let subjects = members.required("subject")?.list()?;
        for subject in &subjects {
            let mut subject = subject.object()?;
            for (algorithm, at) in subject.required("digest")?.object()?.rest() {
                // Others are of hashes that name nothing here.
                if let Ok(digest) = format!("{algorithm}:{}", at.text()?).parse() {
                    statement.digests.push(digest);
                }
            }
            let name = subject.optional("name").map(|at| at.text().map(str::to_owned)).transpose()?;
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                statement.name = Some(Named::parse(&name).map_err(|error| error.to_string())?);
            }
        }
        // With several it would not be clear which name is for which digest.
        if subjects.len() != 1 {
            return Err(format!("it is about {} subjects, and not about one", subjects.len()));
        }
        Ok(statement)
    }
}

/// The certificate, and the promises of logs.
fn material(at: &At<'_>) -> Result<(Option<Chain>, Vec<Promise>), String> {
    let decode = |at: &At<'_>| STANDARD.decode(at.text()?).map_err(|error| at.wrong(error));
    let mut members = at.object()?;
    let mut certificate = members.optional("certificate");
    if let Some(chain) = members.optional("x509CertificateChain") {
        certificate = chain.object()?.required("certificates")?.list()?.into_iter().next();
    }
    let certificate = match certificate {
        Some(at) => Some(Chain::of(decode(&at.object()?.required("rawBytes")?)?)),
        None => None,
    };
    let mut promises = Vec::new();
    let entries = members.optional("tlogEntries").map(|at| at.list()).transpose()?.unwrap_or_default();
    for entry in entries.iter().take(SIGNATURES) {
        let mut entry = entry.object()?;
        // Newer logs give a proof instead, and no time.
        let Some(promise) = entry.optional("inclusionPromise") else { continue };
        let signature = decode(&promise.object()?.required("signedEntryTimestamp")?)?;
        let log = hex::encode(decode(&entry.required("logId")?.object()?.required("keyId")?)?);
        let (time, index) = (number(&entry.required("integratedTime")?)?, number(&entry.required("logIndex")?)?);
        let body = entry.required("canonicalizedBody")?;
        promises.push(Promise::new(signature, body.text()?, time, index, &log)?);
    }
    Ok((certificate, promises))
}

/// A whole number, which bundles have in quotes.
fn number(at: &At<'_>) -> Result<i64, String> {
    match at.json {
        Json::Text(text) => text.parse().map_err(|_| at.wrong("not a whole number")),
        _ => at.integer(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(statement: &str) -> String {
        format!(
            r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{{}},
            "dsseEnvelope":{{"payload":"{}","payloadType":"{STATEMENT}","signatures":[{{"sig":"eA=="}}]}}}}"#,
            STANDARD.encode(statement)
        )
    }

    fn statement(subjects: &str, predicate: &str) -> String {
        format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{subjects}],"predicateType":"{predicate}","predicate":{{}}}}"#
        )
    }

    #[test]
    fn what_is_signed_and_said() {
        let digest = Digest::sha256(b"x");
        let subject = format!(r#"{{"name":"","digest":{{"sha256":"{}","other":"1"}}}}"#, digest.hex());
        let text = statement(&subject, SIGNS);
        let found = Bundle::parse(bundle(&text).as_bytes()).unwrap();
        assert_eq!(found.signed(), format!("DSSEv1 28 application/vnd.in-toto+json {} {text}", text.len()).as_bytes());
        assert_eq!(found.statement().unwrap(), Said { digests: vec![digest], name: None });
        let other = Bundle::parse(bundle(&statement(&subject, "https://slsa.dev/provenance/v1")).as_bytes()).unwrap();
        assert!(other.statement().unwrap_err().contains("signs nothing"));
        let two = Bundle::parse(bundle(&statement(&format!("{subject},{subject}"), SIGNS)).as_bytes()).unwrap();
        assert!(two.statement().unwrap_err().contains("2 subjects"));
        assert!(Bundle::parse(br#"{"mediaType":"x","messageSignature":{}}"#).unwrap_err().contains("not supported"));
    }
}
