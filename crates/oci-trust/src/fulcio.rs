//! Certificates that say who somebody was for some minutes.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, ring as algorithms};

use crate::der::{Der, tag};
use crate::error::shown;
use crate::pem;
use crate::policy::Fulcio;
use crate::public_key::PublicKey;
use crate::validity;

/// The names of the extensions with who said who it was: as bare text, and as a text in DER form.
const ISSUER_1: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x01];
const ISSUER_2: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x08];
const SUBJECT_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// The purpose that the certificate must be for: signing of code.
const CODE_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];

const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::ED25519,
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
];

/// A certificate and those between it and its root, as a signature brings them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    leaf: Vec<u8>,
    between: Vec<Vec<u8>>,
}

impl Chain {
    /// Reads them in PEM form.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(certificate: &str, between: Option<&str>) -> Result<Self, String> {
        let mut leaf = certificates(certificate.as_bytes())?;
        let between = between.map_or(Ok(Vec::new()), |text| certificates(text.as_bytes()))?;
        match (leaf.pop(), leaf.is_empty()) {
            (Some(leaf), true) => Ok(Self { leaf, between }),
            _ => Err("not exactly one certificate".to_owned()),
        }
    }

    /// The same from the certificate's DER form, with nothing between it and its root.
    pub(crate) fn of(leaf: Vec<u8>) -> Self {
        Self { leaf, between: Vec::new() }
    }

    /// The certificate's DER form.
    pub(crate) fn leaf(&self) -> &[u8] {
        &self.leaf
    }

    /// The key of the certificate, if the authority gave it, it was valid at `time`, and it is that of the one who is meant.
    pub(crate) fn key(&self, rule: &Fulcio, roots: &[Vec<u8>], time: i64) -> Result<PublicKey, String> {
        let der = CertificateDer::from(self.leaf.as_slice());
        let leaf = EndEntityCert::try_from(&der).map_err(|error| format!("the certificate: {error}"))?;
        let roots: Vec<CertificateDer<'_>> = roots.iter().map(|root| CertificateDer::from(root.as_slice())).collect();
        let anchors: Vec<TrustAnchor<'_>> = roots
            .iter()
            .filter(|root| validity::holds(root, time))
            .map(|root| anchor_from_trusted_cert(root).map_err(|error| format!("the policy's authority: {error}")))
            .collect::<Result<_, _>>()?;
        let between: Vec<CertificateDer<'_>> =
            self.between.iter().map(|one| CertificateDer::from(one.as_slice())).collect();
        let seconds = u64::try_from(time).map_err(|_| "the log's time is before 1970".to_owned())?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        leaf.verify_for_usage(ALGORITHMS, &anchors, &between, at, KeyUsage::required(CODE_SIGNING), None, None)
            .map_err(|error| format!("the certificate is not from the policy's authority: {error}"))?;
        let who = Who::read(&self.leaf).ok_or("the certificate does not say whose it is")?;
        if who.issuer != rule.oidc_issuer {
            return Err(format!("Unexpected Fulcio OIDC issuer {:?}", shown(&who.issuer)));
        }
        if !who.emails.contains(&rule.subject_email) {
            let emails: Vec<String> = who.emails.iter().map(|email| shown(email)).collect();
            return Err(format!("Required email {:?} not found (got {emails:?})", rule.subject_email));
        }
        PublicKey::from_spki(leaf.subject_public_key_info().as_ref())
    }
}

/// All certificates of a PEM text, in DER form.
pub(crate) fn certificates(text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let blocks = pem::blocks(text)?;
    match blocks.iter().find(|block| block.label != "CERTIFICATE") {
        Some(other) => Err(format!("{} is not CERTIFICATE", shown(&other.label))),
        None => Ok(blocks.into_iter().map(|block| block.content).collect()),
    }
}

/// What a certificate says about its owner.
#[derive(Debug, Default)]
struct Who {
    issuer: String,
    emails: Vec<String>,
}

impl Who {
    /// `None` where it does not say who said who it is, or says two things.
    fn read(certificate: &[u8]) -> Option<Self> {
        let mut body = Der(certificate).take(tag::SEQUENCE)?.take(tag::SEQUENCE)?;
        let mut extensions = loop {
            let (found, content, _) = body.any()?;
            if found == tag::CONTEXT_3 {
                break Der(content).take(tag::SEQUENCE)?;
            }
        };
        let (mut issuers, mut emails) = (Vec::new(), Vec::new());
        while !extensions.is_empty() {
            let mut extension = extensions.take(tag::SEQUENCE)?;
            let name = extension.take(tag::OID)?.0;
            let _critical = extension.take(tag::BOOLEAN);
            let mut value = extension.take(tag::OCTETS)?;
            match name {
                ISSUER_1 => issuers.push(text(value.0)?),
                ISSUER_2 => issuers.push(text(value.take(tag::UTF8)?.0)?),
                SUBJECT_NAMES => {
                    let mut names = value.take(tag::SEQUENCE)?;
                    while let Some((kind, content, _)) = names.any() {
                        if kind == tag::EMAIL {
                            emails.push(text(content)?);
                        }
                    }
                }
                _ => {}
            }
        }
        let issuer = issuers.first()?.clone();
        issuers.iter().all(|other| *other == issuer).then_some(Self { issuer, emails })
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}
