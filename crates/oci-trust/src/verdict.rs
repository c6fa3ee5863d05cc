//! What was decided about an image, and by what.

use std::fmt;
use std::path::PathBuf;

use oci_image::Digest;

use crate::error::TrustError;
use crate::policy::Scope;

/// What was decided about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The image as the user named it.
    pub image: String,
    /// The digest of its manifest or index, which signatures vouch for; `None` where nobody had to look at it.
    pub digest: Option<Digest>,
    /// The policy's file.
    pub policy: PathBuf,
    /// The rule of the policy.
    pub scope: Scope,
    /// The requirements of the rule in their order, up to the first that is not met.
    pub steps: Vec<Step>,
}

/// One requirement, and whether it is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The kind of the requirement, as in `signedBy`.
    pub requirement: String,
    /// Which name must be signed; `None` where no signature is asked for.
    pub identity: Option<String>,
    /// Whether it is met.
    pub outcome: Outcome,
    /// The signatures that were looked at, the last of which decided if one did.
    pub tried: Vec<Tried>,
}

/// Whether a requirement is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A signature is as required.
    Verified,
    /// Nothing is required.
    NothingAsked,
    /// It is not met. Says why.
    Refused(String),
}

/// A signature that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Where it was found.
    pub place: String,
    /// The key that made it, or why it does not count.
    pub result: Result<Key, String>,
}

/// A key that is trusted, and whose signature decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key's name: fingerprint and kind.
    pub name: String,
    /// The file or the policy's member that has it.
    pub origin: String,
}

impl Verdict {
    /// Whether the image may come in.
    pub fn is_accepted(&self) -> bool {
        !self.steps.is_empty() && !self.steps.iter().any(|step| matches!(step.outcome, Outcome::Refused(_)))
    }

    /// Whether it may come in because somebody signed it.
    pub fn is_verified(&self) -> bool {
        self.is_accepted() && self.steps.iter().any(|step| step.outcome == Outcome::Verified)
    }

    /// Where the rule stands.
    pub fn rule(&self) -> String {
        format!("{}, {}", self.policy.display(), self.scope)
    }

    /// Passes an image on that may come in.
    ///
    /// # Errors
    /// [`TrustError::Refused`] with the file, the scope and the reason of the requirement that is not met.
    pub fn require(&self) -> Result<(), TrustError> {
        let refused = |reason: &str| {
            Err(TrustError::Refused { image: self.image.clone(), rule: self.rule(), reason: reason.to_owned() })
        };
        match self.steps.last().map(|step| &step.outcome) {
            None => refused("the list of requirements is empty"),
            Some(Outcome::Refused(reason)) => refused(reason),
            Some(Outcome::Verified | Outcome::NothingAsked) => Ok(()),
        }
    }

    /// Passes an image on that may come in because somebody signed it, and no other: for those who ask for a signature
    /// whatever the policy lets in.
    ///
    /// # Errors
    /// [`TrustError::Refused`], also for an image for which the policy asks for no signature.
    pub fn require_signature(&self) -> Result<(), TrustError> {
        self.require()?;
        if self.is_verified() {
            return Ok(());
        }
        let reason = match self.scope {
            Scope::Default => "containers-policy.json specifies a default of `insecureAcceptAnything`; refusing usage",
            _ => "a signature is asked for, and the policy's rule for the image is `insecureAcceptAnything`",
        };
        Err(TrustError::Refused { image: self.image.clone(), rule: self.rule(), reason: reason.to_owned() })
    }
}

impl fmt::Display for Verdict {
    /// The whole trace, in lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "image: {}", self.image)?;
        if let Some(digest) = &self.digest {
            writeln!(f, "digest: {digest}")?;
        }
        writeln!(f, "policy: {}", self.policy.display())?;
        writeln!(f, "scope: {}", self.scope)?;
        for step in &self.steps {
            let identity = step.identity.as_ref().map(|identity| format!(" ({identity})")).unwrap_or_default();
            match &step.outcome {
                Outcome::Verified => writeln!(f, "requirement: {}{identity}: met", step.requirement)?,
                Outcome::NothingAsked => writeln!(f, "requirement: {}: asks for nothing", step.requirement)?,
                Outcome::Refused(reason) => writeln!(f, "requirement: {}{identity}: {reason}", step.requirement)?,
            }
            for tried in &step.tried {
                writeln!(f, "signature: {}", tried.place)?;
                match &tried.result {
                    Ok(key) => writeln!(f, "  good, by key {} of {}", key.name, key.origin)?,
                    Err(reason) => writeln!(f, "  {reason}")?,
                }
            }
        }
        match (self.is_accepted(), self.is_verified()) {
            (false, _) => f.write_str("verdict: refused"),
            (true, true) => f.write_str("verdict: accepted, signed"),
            (true, false) => f.write_str("verdict: accepted, not signed"),
        }
    }
}
