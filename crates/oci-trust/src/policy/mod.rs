//! The container policy: which requirements an image must meet, by where it comes from (containers-policy.json(5)).

mod find;
mod identity_rule;
mod keys;
mod read;
mod requirement;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

pub use find::PolicyPlaces;
pub use identity_rule::IdentityRule;
pub use keys::{KeyBytes, KeySource, KeySources};
pub use requirement::{Fulcio, Requirement, SigstoreRule, SigstoreTrust, SimpleRule};

use crate::error::TrustError;
use crate::identity::ImageIdentity;

/// A policy, read and checked as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The file it is from.
    pub path: PathBuf,
    /// What images must meet for which nothing else is said.
    pub default: Vec<Requirement>,
    /// By transport and scope; the empty scope is for all other images of the transport.
    pub transports: BTreeMap<String, BTreeMap<String, Vec<Requirement>>>,
}

/// Which of a policy's rules is the one for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The policy's default.
    Default,
    /// The default of a transport.
    Transport(String),
    /// A scope of a transport.
    Named(String, String),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Transport(transport) => write!(f, "transports.{transport}.\"\""),
            Self::Named(transport, scope) => write!(f, "transports.{transport}.{scope:?}"),
        }
    }
}

impl Policy {
    /// Reads a policy's text; `path` is for messages.
    ///
    /// # Errors
    /// [`TrustError::BadFile`] with the member that is unknown, there twice, missing or wrong. All of the text must be right,
    /// also what concerns other images.
    pub fn parse(text: &[u8], path: &Path) -> Result<Self, TrustError> {
        read::policy(text, path).map_err(|reason| TrustError::BadFile { what: "policy", path: path.to_owned(), reason })
    }

    /// What an image must meet: the rule with the most precise scope, and no other.
    pub fn requirements(&self, image: &ImageIdentity) -> (Scope, &[Requirement]) {
        let Some(scopes) = self.transports.get(image.transport) else { return (Scope::Default, &self.default) };
        for scope in &image.scopes {
            if let Some(found) = scopes.get(scope) {
                return (Scope::Named(image.transport.to_owned(), scope.clone()), found);
            }
        }
        match scopes.get("") {
            Some(found) => (Scope::Transport(image.transport.to_owned()), found),
            None => (Scope::Default, &self.default),
        }
    }
}
