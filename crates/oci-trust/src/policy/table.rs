//! A policy as it was read, and the rule for an image in it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::identity::ImageIdentity;
use crate::policy::requirement::Requirement;

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
