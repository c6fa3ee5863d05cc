//! `sigstoreSigned`: signatures by a public key, or by whoever had a certificate at the time.

use std::collections::BTreeMap;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::bundle::Bundle;
use crate::certificate::{Chain, certificates};
use crate::claim::Claim;
use crate::payload::PayloadKind;
use crate::policy::{Fulcio, IdentityRule, KeySources, Pki, SigstoreRule, SigstoreTrust};
use crate::public_key::PublicKey;
use crate::rekor::{Entry, Kind, Promise};
use crate::signature::{Signature, annotation};
use crate::simple::words;
use crate::verdict::Key;

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
    Pki(&'a Pki, OwnAuthority),
}

/// The certificates of an authority of one's own, and what time it is, in seconds since 1970.
struct OwnAuthority {
    roots: Vec<Vec<u8>>,
    between: Vec<Vec<u8>>,
    now: i64,
}

impl<'a> Trust<'a> {
    /// Reads the keys and certificates of a rule.
    pub(crate) fn of(rule: &'a SigstoreRule, now: SystemTime) -> Result<Self, String> {
        let signers = match &rule.trust {
            SigstoreTrust::Keys(sources) => Signers::Keys(keys(sources)?),
            SigstoreTrust::Fulcio(fulcio) => Signers::Fulcio(fulcio, authority(&fulcio.ca)?),
            SigstoreTrust::Pki(pki) => {
                let roots = authority(&pki.roots)?;
                let between = pki.between.as_ref().map_or(Ok(Vec::new()), authority)?;
                let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
                let now = i64::try_from(since).map_err(|_| "the clock is wrong".to_owned())?;
                Signers::Pki(pki, OwnAuthority { roots, between, now })
            }
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
        let promises = match &self.logs {
            Some(_) => vec![Promise::parse(note(annotation::LOG)?.as_bytes())?],
            None => Vec::new(),
        };
        let chain = match self.signers {
            Signers::Fulcio(..) | Signers::Pki(..) => {
                let between = notes.get(annotation::CHAIN).map(String::as_str);
                Some(Chain::parse(note(annotation::CERTIFICATE)?, between)?)
            }
            Signers::Keys(_) => None,
        };
        let (kind, signed) = (Kind::Payload, payload);
        let key =
            self.signer(Signed { kind, signed, payload, signature: &signature, promises: &promises }, chain.as_ref())?;
        let payload = PayloadKind::Sigstore.read(payload)?;
        claim.digest(&payload.digest)?;
        claim.name(&payload.name)?;
        Ok(key)
    }

    fn bundle(&self, bytes: &[u8], claim: Claim<'_>) -> Result<Key, String> {
        let bundle = Bundle::parse(bytes)?;
        let signed = Signed {
            kind: Kind::Envelope,
            signed: bundle.signed(),
            payload: bundle.payload(),
            signature: bundle.signature(),
            promises: bundle.promises(),
        };
        let key = self.signer(signed, bundle.certificate())?;
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
        Ok(key)
    }

    /// Who made a signature, if he is trusted and the logs have seen it.
    fn signer(&self, signed: Signed<'_>, chain: Option<&Chain>) -> Result<Key, String> {
        match &self.signers {
            Signers::Keys(keys) => {
                let (key, origin) = made_by(keys, signed)?;
                self.logged(signed, key.spki())?;
                Ok(Key { name: key.to_string(), origin: origin.clone() })
            }
            Signers::Fulcio(rule, roots) => {
                let chain = chain.ok_or("it comes without a certificate")?;
                let time = self.logged(signed, chain.leaf())?.ok_or("no log says when it was made")?;
                let key = chain.key(rule, roots, time)?;
                let origin = format!("a certificate of {} by {}", rule.subject_email, rule.oidc_issuer);
                let (key, origin) = made_by(&[(key, origin)], signed)?.clone();
                Ok(Key { name: key.to_string(), origin })
            }
            Signers::Pki(rule, OwnAuthority { roots, between, now }) => {
                let chain = chain.ok_or("it comes without a certificate")?;
                let key = chain.own_key(rule, roots, between, *now)?;
                let names: Vec<&str> =
                    [&rule.subject_email, &rule.subject_hostname].into_iter().flatten().map(String::as_str).collect();
                let origin = format!("a certificate of {}", names.join(" and "));
                let (key, origin) = made_by(&[(key, origin)], signed)?.clone();
                Ok(Key { name: key.to_string(), origin })
            }
        }
    }

    /// When a log has seen a signature; `None` where no log needs to.
    fn logged(&self, signed: Signed<'_>, signer: &[u8]) -> Result<Option<i64>, String> {
        let Some(logs) = &self.logs else { return Ok(None) };
        let Signed { kind, payload, signature, promises, .. } = signed;
        let mut problem = "no log promises that it has seen it".to_owned();
        for promise in promises {
            match promise.check(logs, Entry { kind, signature, payload, signer }) {
                Ok(()) => return Ok(Some(promise.time)),
                Err(reason) => problem = reason,
            }
        }
        Err(problem)
    }
}

/// A signature with what it is over.
#[derive(Clone, Copy)]
struct Signed<'a> {
    kind: Kind,
    /// The bytes that the signature is over.
    signed: &'a [u8],
    /// The bytes that a log knows it by.
    payload: &'a [u8],
    signature: &'a [u8],
    promises: &'a [Promise],
}

/// The key that made a signature.
fn made_by<'k>(keys: &'k [Trusted], signed: Signed<'_>) -> Result<&'k Trusted, String> {
    let found = keys.iter().find(|(key, _)| key.verify(signed.signed, signed.signature));
    found.ok_or_else(|| {
        let names: Vec<String> = keys.iter().map(|(key, origin)| format!("{key} of {origin}")).collect();
        format!("cryptographic signature verification failed: by none of {}", names.join(", "))
    })
}

/// All certificates of these sources; at least one.
fn authority(sources: &KeySources) -> Result<Vec<Vec<u8>>, String> {
    let mut all = Vec::new();
    for source in sources {
        let found = source.read().map_err(|error| words(&error))?;
        all.extend(certificates(&found.bytes).map_err(|reason| format!("{}: {reason}", found.origin))?);
    }
    if all.is_empty() { Err("the policy's authority has no certificate".to_owned()) } else { Ok(all) }
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
