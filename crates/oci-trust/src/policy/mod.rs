//! The container policy: which requirements an image must meet, by where it comes from (containers-policy.json(5)).

mod find;
mod identity_rule;
mod keys;
mod read;
mod requirement;
mod table;

pub use find::PolicyPlaces;
pub use identity_rule::IdentityRule;
pub use keys::{KeyBytes, KeySource, KeySources};
pub use requirement::{Fulcio, Pki, Requirement, SigstoreRule, SigstoreTrust, SimpleRule};
pub use table::{Policy, Scope};
