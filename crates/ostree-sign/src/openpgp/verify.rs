//! Signatures against a keyring.

use std::io::Read;
use std::time::SystemTime;

use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::parse::stream::{
    GoodChecksum, MessageLayer, MessageStructure, VerificationError, VerificationHelper, VerifierBuilder,
};
use sequoia_openpgp::parse::{PacketParser, PacketParserResult, Parse};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::{HashAlgorithm, PublicKeyAlgorithm};
use sequoia_openpgp::{Cert, KeyHandle, Packet};

use crate::error::SignError;
use crate::limits::{MAX_SIGNATURE, MAX_SIGNATURES, MAX_SIGNED_CONTENT};
use crate::openpgp::fingerprint;
use crate::openpgp::judge::{self, AnyKey, Facts, judge};
use crate::openpgp::keyring::Keyring;
use crate::openpgp::report::{Outcome, SignatureReport};

impl Keyring {
    /// What detached signatures over `message` are worth at the time `now`: one report for each signature packet of
    /// `signature`, which is binary or armored, in their order. What is no signature gives one report that says so; never
    /// gives none.
    pub fn verify_detached(&self, signature: &[u8], message: &[u8], now: SystemTime) -> Vec<SignatureReport> {
        match packets(signature) {
            Ok(signatures) => signatures.iter().map(|signature| self.report(signature, message, now)).collect(),
            Err(outcome) => vec![SignatureReport::unreadable(outcome)],
        }
    }

    /// The content of a signed OpenPGP message, binary or armored, and what its signatures are worth at the time `now`: one
    /// report for each, in the order of the message. The content may be relied on only if one of the reports is good.
    ///
    /// # Errors
    /// It is no signed message, it is encrypted, it carries no signature, or its content is larger than
    /// [`MAX_SIGNED_CONTENT`].
    pub fn verify_inline(&self, message: &[u8], now: SystemTime) -> Result<(Vec<u8>, Vec<SignatureReport>), SignError> {
        let refuse = |why: String| SignError::malformed("signed message", why);
        let (content, signatures) = open(message).map_err(refuse)?;
        if signatures.is_empty() {
            return Err(refuse("it carries no signature".to_owned()));
        }
        let reports = signatures.iter().map(|signature| self.report(signature, &content, now)).collect();
        Ok((content, reports))
    }

    fn report(&self, signature: &Signature, message: &[u8], now: SystemTime) -> SignatureReport {
        let mut best: Option<(Outcome, AnyKey<'_>)> = None;
        let issuers = signature.get_issuers();
        for cert in self.certs() {
            for key in issuers.iter().flat_map(|issuer| cert.keys().key_handle(issuer.clone())) {
                let outcome = judge(signature, &key, message, (now, self.certs()));
                if best.as_ref().is_none_or(|(known, _)| known.rank() < outcome.rank()) {
                    best = Some((outcome, key));
                }
            }
        }
        describe(signature, best, now)
    }
}

fn describe(signature: &Signature, found: Option<(Outcome, AnyKey<'_>)>, now: SystemTime) -> SignatureReport {
    let mut report = SignatureReport::unreadable(Outcome::KeyMissing);
    report.created = signature.signature_creation_time().map(judge::seconds);
    report.expires = signature.signature_expiration_time().map(judge::seconds);
    report.key_algorithm = key_algorithm(signature.pk_algo());
    report.hash_algorithm = hash_algorithm(signature.hash_algo());
    let issuers = signature.get_issuers();
    let named = issuers.iter().find(|issuer| matches!(issuer, KeyHandle::Fingerprint(_))).or(issuers.first());
    if let Some((fingerprint, id)) = named.map(fingerprint::split) {
        (report.fingerprint, report.key_id) = (fingerprint, Some(id));
    }
    if let Some((outcome, key)) = found {
        let facts = Facts::of(key.cert(), now);
        let name = key.key().fingerprint();
        report.outcome = outcome;
        report.key_expires = judge::key_expiry(key.cert(), &name, now);
        report.primary_expires = facts.primary_expires;
        report.primary = Some(key.cert().fingerprint().into());
        report.user_ids = facts.user_ids;
        let fingerprint = fingerprint::Fingerprint::from(name);
        report.key_id = Some(fingerprint.key_id());
        report.fingerprint = Some(fingerprint);
    }
    report
}

/// The signature packets of a detached signature; at least one.
fn packets(bytes: &[u8]) -> Result<Vec<Signature>, Outcome> {
    if bytes.len() > MAX_SIGNATURE {
        return Err(Outcome::Unsupported(format!("larger than {MAX_SIGNATURE} bytes")));
    }
    let mut signatures = Vec::new();
    let mut next = PacketParser::from_bytes(bytes).map_err(|_| Outcome::Bad)?;
    while let PacketParserResult::Some(parser) = next {
        let (packet, rest) = parser.next().map_err(|_| Outcome::Bad)?;
        match packet {
            Packet::Signature(signature) => signatures.push(signature),
            Packet::Unknown(unknown) => return Err(Outcome::Unsupported(format!("packet {}", unknown.tag()))),
            Packet::Marker(_) | Packet::Padding(_) => {}
            _ => return Err(Outcome::Bad),
        }
        if signatures.len() > MAX_SIGNATURES {
            return Err(Outcome::Unsupported(format!("more than {MAX_SIGNATURES} signatures")));
        }
        next = rest;
    }
    if signatures.is_empty() { Err(Outcome::Bad) } else { Ok(signatures) }
}

/// Content and signatures of a signed message, nothing of which is verified.
fn open(message: &[u8]) -> Result<(Vec<u8>, Vec<Signature>), String> {
    if message.len() > MAX_SIGNED_CONTENT {
        return Err(format!("larger than {MAX_SIGNED_CONTENT} bytes"));
    }
    let policy = StandardPolicy::new();
    let builder = VerifierBuilder::from_bytes(message).map_err(|why| why.to_string())?;
    let builder = builder.buffer_size(MAX_SIGNED_CONTENT);
    let mut verifier = builder.with_policy(&policy, None, Collect::default()).map_err(|why| why.to_string())?;
    let mut content = Vec::new();
    let read = Read::by_ref(&mut verifier).take(MAX_SIGNED_CONTENT as u64 + 1).read_to_end(&mut content);
    read.map_err(|why| why.to_string())?;
    if content.len() > MAX_SIGNED_CONTENT {
        return Err(format!("its content is larger than {MAX_SIGNED_CONTENT} bytes"));
    }
    if !verifier.message_processed() {
        return Err("it goes on after its content".to_owned());
    }
    let signatures = verifier.into_helper().signatures;
    if signatures.len() > MAX_SIGNATURES {
        return Err(format!("more than {MAX_SIGNATURES} signatures"));
    }
    Ok((content, signatures))
}

/// Lets every message pass and keeps its signatures, which are judged later.
#[derive(Default)]
struct Collect {
    signatures: Vec<Signature>,
}

impl VerificationHelper for Collect {
    fn get_certs(&mut self, _: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        Ok(Vec::new())
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> sequoia_openpgp::Result<()> {
        for layer in structure {
            let MessageLayer::SignatureGroup { results } = layer else { continue };
            self.signatures.extend(results.into_iter().filter_map(signature_of));
        }
        Ok(())
    }
}

/// The signature that a verdict is about; `None` if it could not be read.
fn signature_of(result: Result<GoodChecksum<'_>, VerificationError<'_>>) -> Option<Signature> {
    match result {
        Ok(GoodChecksum { sig, .. })
        | Err(
            VerificationError::MalformedSignature { sig, .. }
            | VerificationError::MissingKey { sig }
            | VerificationError::UnboundKey { sig, .. }
            | VerificationError::BadKey { sig, .. }
            | VerificationError::BadSignature { sig, .. },
        ) => Some(sig.clone()),
        Err(_) => None,
    }
}

/// GnuPG's names of public key algorithms.
fn key_algorithm(algorithm: PublicKeyAlgorithm) -> String {
    #[allow(deprecated)]
    let name = match algorithm {
        PublicKeyAlgorithm::RSAEncryptSign => "RSA",
        PublicKeyAlgorithm::RSASign => "RSA-S",
        PublicKeyAlgorithm::DSA => "DSA",
        PublicKeyAlgorithm::ECDSA => "ECDSA",
        PublicKeyAlgorithm::EdDSA => "EdDSA",
        PublicKeyAlgorithm::Ed25519 => "Ed25519",
        PublicKeyAlgorithm::Ed448 => "Ed448",
        _ => "[unknown name]",
    };
    name.to_owned()
}

/// GnuPG's names of hash algorithms.
fn hash_algorithm(algorithm: HashAlgorithm) -> String {
    let name = match algorithm {
        HashAlgorithm::MD5 => "MD5",
        HashAlgorithm::SHA1 => "SHA1",
        HashAlgorithm::RipeMD => "RIPEMD160",
        HashAlgorithm::SHA224 => "SHA224",
        HashAlgorithm::SHA256 => "SHA256",
        HashAlgorithm::SHA384 => "SHA384",
        HashAlgorithm::SHA512 => "SHA512",
        _ => "[unknown name]",
    };
    name.to_owned()
}
