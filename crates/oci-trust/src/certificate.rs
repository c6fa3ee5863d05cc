//! Certificates that say who signed.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, ring as algorithms};

use crate::der::{Der, tag};
use crate::error::shown;
use crate::pem;
use crate::policy::{Fulcio, Pki};
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
        let key = self.verified(roots, &[], time, None)?;
        let who = Who::read(&self.leaf).ok_or("the certificate cannot be read")?;
        match who.issuers.first() {
            Some(first) if who.issuers.iter().all(|other| other == first) && *first == rule.oidc_issuer => {}
            _ => return Err(format!("Unexpected Fulcio OIDC issuer {}", list(&who.issuers))),
        }
        who.has_email(&rule.subject_email)?;
        Ok(key)
    }

    /// The same for an authority of one's own, which knows no logs.
    pub(crate) fn own_key(
        &self,
        rule: &Pki,
        roots: &[Vec<u8>],
        between: &[Vec<u8>],
        now: i64,
    ) -> Result<PublicKey, String> {
        let key = self.verified(roots, between, now, rule.subject_hostname.as_deref())?;
        if let Some(email) = &rule.subject_email {
            Who::read(&self.leaf).ok_or("the certificate cannot be read")?.has_email(email)?;
        }
        Ok(key)
    }

    fn verified(
        &self,
        roots: &[Vec<u8>],
        between: &[Vec<u8>],
        time: i64,
        host: Option<&str>,
    ) -> Result<PublicKey, String> {
        let der = CertificateDer::from(self.leaf.as_slice());
        let leaf = EndEntityCert::try_from(&der).map_err(|error| format!("the certificate: {error}"))?;
        let roots: Vec<CertificateDer<'_>> = roots.iter().map(|root| CertificateDer::from(root.as_slice())).collect();
        let anchors: Vec<TrustAnchor<'_>> = roots
            .iter()
            .filter(|root| validity::holds(root, time))
            .map(|root| anchor_from_trusted_cert(root).map_err(|error| format!("the policy's authority: {error}")))
            .collect::<Result<_, _>>()?;
        let between: Vec<CertificateDer<'_>> =
            self.between.iter().chain(between).map(|one| CertificateDer::from(one.as_slice())).collect();
        let seconds = u64::try_from(time).map_err(|_| "the time is before 1970".to_owned())?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        leaf.verify_for_usage(ALGORITHMS, &anchors, &between, at, KeyUsage::required(CODE_SIGNING), None, None)
            .map_err(|error| format!("the certificate is not from the policy's authority: {error}"))?;
        if let Some(host) = host {
            let name = ServerName::try_from(host).map_err(|_| format!("{host:?} is not the name of a host"))?;
            leaf.verify_is_valid_for_subject_name(&name)
                .map_err(|_| format!("Required hostname {host:?} not found"))?;
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
    /// Who said who it was, in each of the places where that may stand.
    issuers: Vec<String>,
    emails: Vec<String>,
}

impl Who {
    fn read(certificate: &[u8]) -> Option<Self> {
        let mut body = Der(certificate).take(tag::SEQUENCE)?.take(tag::SEQUENCE)?;
        let mut extensions = loop {
            let (found, content, _) = body.any()?;
            if found == tag::CONTEXT_3 {
                break Der(content).take(tag::SEQUENCE)?;
            }
        };
        let mut who = Self::default();
        while !extensions.is_empty() {
            let mut extension = extensions.take(tag::SEQUENCE)?;
            let name = extension.take(tag::OID)?.0;
            let _critical = extension.take(tag::BOOLEAN);
            let mut value = extension.take(tag::OCTETS)?;
            match name {
                ISSUER_1 => who.issuers.push(text(value.0)?),
                ISSUER_2 => who.issuers.push(text(value.take(tag::UTF8)?.0)?),
                SUBJECT_NAMES => {
                    let mut names = value.take(tag::SEQUENCE)?;
                    while let Some((kind, content, _)) = names.any() {
                        if kind == tag::EMAIL {
                            who.emails.push(text(content)?);
                        }
                    }
                }
                _ => {}
            }
        }
        Some(who)
    }

    fn has_email(&self, email: &str) -> Result<(), String> {
        if self.emails.iter().any(|found| found == email) {
            return Ok(());
        }
        Err(format!("Required email {email:?} not found (got {})", list(&self.emails)))
    }
}

fn list(texts: &[String]) -> String {
    format!("{:?}", texts.iter().map(|text| shown(text)).collect::<Vec<_>>())
}

fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}
