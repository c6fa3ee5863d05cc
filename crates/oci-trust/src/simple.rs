//! `signedBy`: simple signatures, which are OpenPGP messages with a payload.

use std::time::SystemTime;

use ostree_sign::openpgp::{Fingerprint, Keyring};

use crate::claim::Claim;
use crate::payload::PayloadKind;
use crate::policy::{KeySources, SimpleRule};
use crate::signature::Signature;
use crate::verdict::Key;

/// The keys of a requirement.
pub(crate) struct Keys {
    keyring: Keyring,
    origins: Vec<(Fingerprint, String)>,
}

impl Keys {
    /// Reads the keys of a rule.
    pub(crate) fn of(rule: &SimpleRule) -> Result<Self, String> {
        if rule.key_type != "GPGKeys" {
            return Err(format!("keys of the kind {} are not supported", rule.key_type));
        }
        Self::read(&rule.keys)
    }

    fn read(sources: &KeySources) -> Result<Self, String> {
        let mut keys = Self { keyring: Keyring::new(), origins: Vec::new() };
        for source in sources {
            let found = source.read().map_err(|error| words(&error))?;
            let added = keys.keyring.add_bytes(&found.origin, &found.bytes).map_err(|error| words(&error))?;
            keys.origins.extend(added.into_iter().map(|fingerprint| (fingerprint, found.origin.clone())));
        }
        if keys.keyring.is_empty() {
            return Err("no public keys imported".to_owned());
        }
        Ok(keys)
    }

    /// The key that signed the image, or why the signature is none.
    pub(crate) fn check(&self, signature: &Signature, claim: Claim<'_>, now: SystemTime) -> Result<Key, String> {
        let Signature::Simple(message) = signature else { return Err("not a simple signature".to_owned()) };
        let (content, reports) = self.keyring.verify_inline(message, now).map_err(|error| words(&error))?;
        let [report] = reports.as_slice() else {
            return Err(format!("{} signatures in one message", reports.len()));
        };
        if !report.outcome.is_good() {
            return Err(format!("Signature by key {} is not accepted: {}", report.key_name(), report.outcome));
        }
        let payload = PayloadKind::Simple.read(&content)?;
        claim.digest(&payload.digest)?;
        claim.name(&payload.name)?;
        let origin = self.origins.iter().find(|(fingerprint, _)| Some(fingerprint) == report.primary.as_ref());
        let owner = report.user_ids.first().map(|user| format!(" ({})", user.text)).unwrap_or_default();
        Ok(Key {
            name: format!("{}{owner}", report.key_name()),
            origin: origin.map(|(_, origin)| origin.clone()).unwrap_or_default(),
        })
    }
}

/// An error with its causes.
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
