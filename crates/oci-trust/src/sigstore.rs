//! `sigstoreSigned`: signatures by a public key, or by whoever had a certificate at the time.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::bundle::Bundle;
use crate::claim::Claim;
use crate::fulcio::{Chain, certificates};
use crate::payload::PayloadKind;
use crate::policy::{Fulcio, IdentityRule, KeySources, SigstoreRule, SigstoreTrust};
use crate::public_key::PublicKey;
use crate::rekor::{Entry, Promise};
use crate::signature::{Signature, annotation};
use crate::simple::words;
use crate::verdict::Key;

use std::collections::BTreeMap;

/// A key and where it is from.
type Trusted = (PublicKey, String);

/// What a requirement trusts, read from its files.
pub(crate) struct Trust<'a> {
    signers: Signers<'a>,
    logs: Option<Vec<PublicKey>>,
}

enum Signers<'a> {
    Keys(Vec<Trusted>),
    Fulcio(&'a Fulcio, Vec<Vec<u8>>),
}

impl<'a> Trust<'a> {
    /// Reads the keys and certificates of a rule.
    pub(crate) fn of(rule: &'a SigstoreRule) -> Result<Self, String> {
        let signers = match &rule.trust {
            SigstoreTrust::Keys(sources) => Signers::Keys(keys(sources)?),
            SigstoreTrust::Fulcio(fulcio) => {
                let mut roots = Vec::new();
                for source in &fulcio.ca {
                    let found = source.read().map_err(|error| words(&error))?;
                    let read = certificates(&found.bytes).map_err(|reason| format!("{}: {reason}", found.origin))?;
                    roots.extend(read);
                }
                if roots.is_empty() {
                    return Err("the policy's authority has no certificate".to_owned());
                }
                Signers::Fulcio(fulcio, roots)
            }
            SigstoreTrust::Pki => return Err("certificates of one's own authority (pki) are not supported".to_owned()),
        };
        let logs = rule.rekor.as_ref().map(keys).transpose()?;
        Ok(Self { signers, logs: logs.map(|keys| keys.into_iter().map(|(key, _)| key).collect()) })
    }

    /// The key that signed the image, or why the signature is none.
    pub(crate) fn check(&self, signature: &Signature, claim: Claim<'_>) -> Result<Key, String> {
        match signature {
            Signature::Sigstore { payload, annotations } => self.payload(payload, annotations, claim),
            Signature::Bundle(bytes) => self.bundle(bytes, claim),
            Signature::Simple(_) | Signature::Other(_) => Err("not a sigstore signature".to_owned()),
        }
    }

    fn payload(&self, payload: &[u8], notes: &BTreeMap<String, String>, claim: Claim<'_>) -> Result<Key, String> {
        let note = |name: &str| notes.get(name).ok_or_else(|| format!("missing {name} annotation"));
        let signature = STANDARD.decode(note(annotation::SIGNATURE)?);
        let signature = signature.map_err(|error| format!("{}: {error}", annotation::SIGNATURE))?;
        let promise = match &self.logs {
            Some(_) => Some(Promise::parse(note(annotation::LOG)?.as_bytes())?),
            None => None,
        };
        let logged = |signer: &[u8]| match (&promise, &self.logs) {
            (Some(promise), Some(logs)) => {
                promise.check(logs, Entry { signature: &signature, payload, signer }).map(|()| promise.time)
            }
            _ => Ok(0),
        };
        let (key, origin) = match &self.signers {
            Signers::Keys(keys) => {
                let found = signer(keys, payload, &signature)?;
                logged(found.0.spki())?;
                found.clone()
            }
            Signers::Fulcio(rule, roots) => {
                let chain =
                    Chain::parse(note(annotation::CERTIFICATE)?, notes.get(annotation::CHAIN).map(String::as_str))?;
                let key = chain.key(rule, roots, logged(chain.leaf())?)?;
                let origin = format!("a certificate of {} by {}", rule.subject_email, rule.oidc_issuer);
                signer(&[(key, origin)], payload, &signature)?.clone()
            }
        };
        let payload = PayloadKind::Sigstore.read(payload)?;
        claim.digest(&payload.digest)?;
        claim.name(&payload.name)?;
        Ok(Key { name: key.to_string(), origin })
    }

    fn bundle(&self, bytes: &[u8], claim: Claim<'_>) -> Result<Key, String> {
        let Signers::Keys(keys) = &self.signers else {
            return Err("certificates in bundles are not supported".to_owned());
        };
        if self.logs.is_some() {
            return Err("logs in bundles are not supported".to_owned());
        }
        let bundle = Bundle::parse(bytes)?;
        let (key, origin) = signer(keys, bundle.signed(), bundle.signature())?;
        let statement = bundle.statement()?;
        if !statement.digests.iter().any(|digest| claim.digest(digest).is_ok()) {
            return Err("it is about another manifest".to_owned());
        }
        match (&statement.name, claim.identity) {
            (Some(name), _) => claim.name(name)?,
            // Which repository the key is for is then said by the policy alone, by the scope of the rule.
            (None, IdentityRule::MatchRepository) if claim.image.is_some() => {}
            (None, rule) => {
                return Err(format!("it names no image ({rule}; only signedIdentity matchRepository accepts such)"));
            }
        }
        Ok(Key { name: key.to_string(), origin: origin.clone() })
    }
}

/// The key that made a signature.
fn signer<'k>(keys: &'k [Trusted], message: &[u8], signature: &[u8]) -> Result<&'k Trusted, String> {
    let found = keys.iter().find(|(key, _)| key.verify(message, signature));
    found.ok_or_else(|| {
        let names: Vec<String> = keys.iter().map(|(key, origin)| format!("{key} of {origin}")).collect();
        format!("cryptographic signature verification failed: by none of {}", names.join(", "))
    })
}

fn keys(sources: &KeySources) -> Result<Vec<Trusted>, String> {
    let mut keys = Vec::new();
    for source in sources {
        let found = source.read().map_err(|error| words(&error))?;
        let key = PublicKey::from_pem(&found.bytes).map_err(|reason| format!("{}: {reason}", found.origin))?;
        keys.push((key, found.origin));
    }
    if keys.is_empty() { Err("the policy's list of keys is empty".to_owned()) } else { Ok(keys) }
}
