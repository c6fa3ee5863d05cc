//! A signature as it was found, nothing of which is checked.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::json::{At, Json};
use crate::media_type::SIGSTORE_PAYLOAD;

/// Names of annotations beside a sigstore payload.
pub mod annotation {
    /// The signature over the payload, in base64.
    pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
    /// What a transparency log says about it.
    pub const LOG: &str = "dev.sigstore.cosign/bundle";
    /// The certificate of whoever signed.
    pub const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
    /// Those between it and its root.
    pub const CHAIN: &str = "dev.sigstore.cosign/chain";
}

/// What a signature is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// An OpenPGP signed message.
    Simple(Vec<u8>),
    /// A payload with a signature in its annotations.
    Sigstore {
        /// What is signed.
        payload: Vec<u8>,
        /// The signature, and what belongs to it.
        annotations: BTreeMap<String, String>,
    },
    /// A bundle of sigstore: a document with everything.
    Bundle(Vec<u8>),
    /// Something else, of that media type.
    Other(String),
}

/// A signature and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// For messages.
    pub place: String,
    /// The signature.
    pub signature: Signature,
}

impl Found {
    /// How many bytes are held of it.
    pub(crate) fn size(&self) -> usize {
        match &self.signature {
            Signature::Simple(bytes) | Signature::Bundle(bytes) => bytes.len(),
            Signature::Sigstore { payload, .. } => payload.len(),
            Signature::Other(_) => 0,
        }
    }
}

impl Signature {
    /// A signature as it is stored in a file: an OpenPGP message as it is, others behind a line that says what they are.
    pub(crate) fn from_file(bytes: Vec<u8>) -> Self {
        let Some(rest) = bytes.strip_prefix(b"\0") else { return Self::Simple(bytes) };
        let line = rest.iter().position(|byte| *byte == b'\n').and_then(|end| rest.split_at_checked(end));
        match line {
            Some((b"simple-signing", content)) => Self::Simple(content.get(1..).unwrap_or_default().to_vec()),
            Some((b"sigstore-json", content)) => {
                from_json(content).unwrap_or_else(|_| Self::Other("unreadable sigstore-json".to_owned()))
            }
            _ => Self::Other("unknown form".to_owned()),
        }
    }
}

fn from_json(bytes: &[u8]) -> Result<Signature, String> {
    let json = Json::parse(bytes)?;
    let mut members = At::top(&json).object()?;
    let media_type = members.required("mimeType")?.text()?.to_owned();
    let payload = members.required("payload")?;
    let payload = STANDARD.decode(payload.text()?).map_err(|error| payload.wrong(error))?;
    let mut annotations = BTreeMap::new();
    if let Some(at) = members.optional("annotations") {
        for (name, at) in at.object()?.rest() {
            annotations.insert(name.to_owned(), at.text()?.to_owned());
        }
    }
    Ok(if media_type == SIGSTORE_PAYLOAD {
        Signature::Sigstore { payload, annotations }
    } else {
        Signature::Other(media_type)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_say_what_they_are() {
        assert_eq!(Signature::from_file(vec![0xa3, 1]), Signature::Simple(vec![0xa3, 1]));
        assert_eq!(Signature::from_file(b"\0simple-signing\nx".to_vec()), Signature::Simple(b"x".to_vec()));
        let text = format!(
            "\0sigstore-json\n{{\"mimeType\":\"{SIGSTORE_PAYLOAD}\",\"payload\":\"eA==\",\"annotations\":{{\"a\":\"b\"}}}}"
        );
        let annotations = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        assert_eq!(Signature::from_file(text.into()), Signature::Sigstore { payload: b"x".to_vec(), annotations });
        assert!(matches!(Signature::from_file(b"\0new\nx".to_vec()), Signature::Other(_)));
        assert!(matches!(Signature::from_file(b"\0".to_vec()), Signature::Other(_)));
    }
}
