//! What an image can be required to meet.

use std::fmt;

use crate::policy::identity_rule::IdentityRule;
use crate::policy::keys::KeySources;

/// One requirement of a rule; an image must meet all of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing is required.
    InsecureAcceptAnything,
    /// No image meets it.
    Reject,
    /// A simple signature: an OpenPGP signed message.
    SignedBy(SimpleRule),
    /// A signature of sigstore.
    SigstoreSigned(SigstoreRule),
    /// A signature of the lowest layers, which nobody implements: no image meets it.
    SignedBaseLayer,
}

/// `signedBy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleRule {
    /// What the keys are, as in `GPGKeys`; images meet the rule with these only.
    pub key_type: String,
    /// Keyrings; a key of any will do.
    pub keys: KeySources,
    /// Which name must be signed.
    pub identity: IdentityRule,
}

/// `sigstoreSigned`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigstoreRule {
    /// Who may sign.
    pub trust: SigstoreTrust,
    /// Keys of the transparency logs one of which must have seen the signature; no log needs to where there are none.
    pub rekor: Option<KeySources>,
    /// Which name must be signed.
    pub identity: IdentityRule,
}

/// Who may sign by sigstore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigstoreTrust {
    /// Any of these public keys.
    Keys(KeySources),
    /// Whoever had a certificate of this authority when the log saw the signature.
    Fulcio(Fulcio),
    /// Whoever has a certificate of an authority of one's own.
    Pki(Pki),
}

/// An authority of one's own, and the one that is meant; at least one of the two names is there, and all that are must be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pki {
    /// Root certificates.
    pub roots: KeySources,
    /// Certificates that may stand between them and the one that signs.
    pub between: Option<KeySources>,
    /// Whose certificate it must be.
    pub subject_email: Option<String>,
    /// Which host's certificate it must be.
    pub subject_hostname: Option<String>,
}

/// An authority that gives certificates to people and machines, and the one that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulcio {
    /// Root certificates.
    pub ca: KeySources,
    /// Who must have said who it was.
    pub oidc_issuer: String,
    /// Whose certificate it must be.
    pub subject_email: String,
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InsecureAcceptAnything => "insecureAcceptAnything",
            Self::Reject => "reject",
            Self::SignedBy(_) => "signedBy",
            Self::SigstoreSigned(_) => "sigstoreSigned",
            Self::SignedBaseLayer => "signedBaseLayer",
        })
    }
}
