//! Decides about an image: one requirement after the other, up to the first that is not met.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::SystemTime;

use oci_image::{Digest, ImageReference, RawManifest, Transport};

use crate::claim::Claim;
use crate::collect::Collector;
use crate::error::{TrustError, shown};
use crate::identity::ImageIdentity;
use crate::policy::{IdentityRule, Policy, Requirement, SigstoreRule, SimpleRule};
use crate::registries_d::{SignatureStores, StorePlaces};
use crate::signature::{Found, Signature};
use crate::sigstore::Trust;
use crate::simple::Keys;
use crate::store::SignatureStore;
use crate::verdict::{Key, Outcome, Step, Tried, Verdict};

/// Decides whether an image may come in.
///
/// The rule is looked up for the image as it is named: the name must be full, and is the same whichever mirror answers.
/// What is judged is the image's top document, manifest or index; what an index points to is bound by its digests. Nothing
/// is asked of `store` where no requirement needs it, and `places` are read only then.
///
/// # Errors
/// Where nothing can be decided: [`TrustError::Name`], [`TrustError::Io`] and [`TrustError::Image`]. A key that cannot be read
/// or used is no error, but a requirement that is not met.
pub fn judge(
    policy: &Policy,
    image: &ImageReference,
    places: &StorePlaces,
    store: &dyn SignatureStore,
    now: SystemTime,
) -> Result<Verdict, TrustError> {
    let identity = match store.in_storage() {
        Some(place) => ImageIdentity::in_storage(image, &place)?,
        None => {
            refuse_unknown_scopes(policy, image)?;
            ImageIdentity::of(image)?
        }
    };
    let (scope, requirements) = policy.requirements(&identity);
    let mut verdict =
        Verdict { image: identity.shown.clone(), digest: None, policy: policy.path.clone(), scope, steps: Vec::new() };
    let bench =
        Bench { image, identity: &identity, places, store, now, manifest: OnceCell::new(), stores: OnceCell::new() };
    for requirement in requirements {
        let step = bench.step(requirement)?;
        let refused = matches!(step.outcome, Outcome::Refused(_));
        verdict.steps.push(step);
        if refused {
            break;
        }
    }
    verdict.digest = bench.manifest.into_inner().map(|raw: RawManifest| raw.digest);
    Ok(verdict)
}

/// Scopes of daemons, and of storages of which it is not known where they are, mean nothing here: such a rule must not be
/// passed over.
fn refuse_unknown_scopes(policy: &Policy, image: &ImageReference) -> Result<(), TrustError> {
    let name = match image.transport {
        Transport::ContainersStorage => "containers-storage",
        Transport::DockerDaemon => "docker-daemon",
        _ => return Ok(()),
    };
    match policy.transports.get(name).and_then(|scopes| scopes.keys().find(|scope| !scope.is_empty())) {
        None => Ok(()),
        Some(scope) => Err(TrustError::BadFile {
            what: "policy",
            path: policy.path.clone(),
            reason: format!("transports.{name}.{}: scopes of {name} but the empty one are not supported", shown(scope)),
        }),
    }
}

struct Bench<'a> {
    image: &'a ImageReference,
    identity: &'a ImageIdentity,
    places: &'a StorePlaces,
    store: &'a dyn SignatureStore,
    now: SystemTime,
    manifest: OnceCell<RawManifest>,
    stores: OnceCell<SignatureStores>,
}

impl Bench<'_> {
    fn step(&self, requirement: &Requirement) -> Result<Step, TrustError> {
        let bare = |outcome| Step { requirement: requirement.to_string(), identity: None, outcome, tried: Vec::new() };
        Ok(match requirement {
            Requirement::InsecureAcceptAnything => bare(Outcome::NothingAsked),
            Requirement::Reject => {
                bare(Outcome::Refused(format!("Running image {} is rejected by policy.", self.identity.shown)))
            }
            Requirement::SignedBaseLayer => bare(Outcome::Refused("signedBaseLayer is not supported".to_owned())),
            Requirement::SignedBy(rule) => self.signed_by(rule)?,
            Requirement::SigstoreSigned(rule) => self.sigstore_signed(rule)?,
        })
    }

    fn signed_by(&self, rule: &SimpleRule) -> Result<Step, TrustError> {
        let step = |outcome, tried| step("signedBy", &rule.identity, outcome, tried);
        let keys = match Keys::of(rule) {
            Ok(keys) => keys,
            Err(reason) => return Ok(step(Outcome::Refused(reason), Vec::new())),
        };
        let raw = self.manifest()?;
        let found = self.collect(|collector| collector.stored(&digest_of(raw)))?;
        let (wanted, others): (Vec<Found>, Vec<Found>) =
            found.into_iter().partition(|found| matches!(found.signature, Signature::Simple(_)));
        let claim = self.claim(raw, &rule.identity);
        let tried = try_each(wanted, |signature| keys.check(signature, claim, self.now));
        Ok(step(outcome(&tried, || no_signature(None, others.len())), tried))
    }

    fn sigstore_signed(&self, rule: &SigstoreRule) -> Result<Step, TrustError> {
        let step = |outcome, tried| step("sigstoreSigned", &rule.identity, outcome, tried);
        let trust = match Trust::of(rule, self.now) {
            Ok(trust) => trust,
            Err(reason) => return Ok(step(Outcome::Refused(reason), Vec::new())),
        };
        let raw = self.manifest()?;
        let digest = digest_of(raw);
        let in_files = matches!(self.image.transport, Transport::Dir | Transport::ContainersStorage);
        let found = self.collect(|place| if in_files { place.stored(&digest) } else { place.attached(&digest) })?;
        let is_wanted = |found: &Found| matches!(found.signature, Signature::Sigstore { .. } | Signature::Bundle(_));
        let (wanted, others): (Vec<Found>, Vec<Found>) = found.into_iter().partition(is_wanted);
        let claim = self.claim(raw, &rule.identity);
        let tried = try_each(wanted, |signature| trust.check(signature, claim));
        let hint = if in_files { None } else { self.collect(|place| Ok(place.why_none_attached()))? };
        Ok(step(outcome(&tried, || no_signature(hint.as_deref(), others.len())), tried))
    }

    fn claim<'c>(&'c self, manifest: &'c RawManifest, identity: &'c IdentityRule) -> Claim<'c> {
        Claim { image: self.identity.name.as_ref(), manifest, identity }
    }

    fn manifest(&self) -> Result<&RawManifest, TrustError> {
        if let Some(raw) = self.manifest.get() {
            return Ok(raw);
        }
        let raw = self.store.manifest();
        let raw = raw.map_err(|source| TrustError::Image { image: self.identity.shown.clone(), source })?;
        Ok(self.manifest.get_or_init(|| raw))
    }

    fn collect<T>(&self, what: impl FnOnce(&Collector<'_>) -> Result<T, TrustError>) -> Result<T, TrustError> {
        let stores = match self.stores.get() {
            Some(stores) => stores,
            None => {
                let read = self.places.read()?;
                self.stores.get_or_init(|| read)
            }
        };
        let directory = (self.image.transport == Transport::Dir).then(|| PathBuf::from(&self.image.name));
        what(&Collector { image: self.identity, directory, stores, store: self.store })
    }
}

/// What came of a requirement that asks for signatures.
fn step(requirement: &str, identity: &IdentityRule, outcome: Outcome, tried: Vec<Tried>) -> Step {
    Step { requirement: requirement.to_owned(), identity: Some(identity.to_string()), outcome, tried }
}

/// Why an image without a signature of the wanted kind is refused.
fn no_signature(hint: Option<&str>, others: usize) -> String {
    const WORDS: &str = "A signature was required, but no signature exists";
    match (hint, others) {
        (Some(hint), _) => format!("{WORDS} ({hint})"),
        (None, 0) => WORDS.to_owned(),
        (None, count) => format!("{WORDS} ({count} of other kinds)"),
    }
}

/// The digest under which signatures are kept, whichever one the image was asked for by.
fn digest_of(raw: &RawManifest) -> Digest {
    Digest::sha256(&raw.bytes)
}

/// Looks at signatures up to the first that is good.
fn try_each(found: Vec<Found>, check: impl Fn(&Signature) -> Result<Key, String>) -> Vec<Tried> {
    let mut tried = Vec::new();
    for one in found {
        let result = check(&one.signature);
        let good = result.is_ok();
        tried.push(Tried { place: one.place, result });
        if good {
            break;
        }
    }
    tried
}

fn outcome(tried: &[Tried], none: impl FnOnce() -> String) -> Outcome {
    let reasons: Vec<&str> = tried.iter().filter_map(|one| one.result.as_ref().err().map(String::as_str)).collect();
    match reasons.as_slice() {
        _ if reasons.len() < tried.len() => Outcome::Verified,
        [] => Outcome::Refused(none()),
        [only] => Outcome::Refused((*only).to_owned()),
        several => Outcome::Refused(format!("None of the signatures were accepted, reasons: {}", several.join("; "))),
    }
}
