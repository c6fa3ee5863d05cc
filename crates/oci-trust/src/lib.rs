//! Which container images may come in: the container policy, and the signatures that it asks for.
//!
//! [`judge`] decides about one image: it looks up the rule of a [`Policy`] for the image's name, collects the signatures
//! that the rule asks for and checks them. The [`Verdict`] says what decided. Nothing here knows a network: what is on
//! registries is fetched through a [`SignatureStore`].

mod bundle;
mod certificate;
mod claim;
mod collect;
mod der;
mod error;
mod identity;
mod in_storage;
mod json;
mod judge;
pub mod limits;
pub mod media_type;
mod payload;
mod pem;
pub mod policy;
mod public_key;
pub mod publish;
mod registries_d;
mod rekor;
mod sign;
mod signature;
mod sigstore;
mod sigstore_key;
mod simple;
mod store;
mod validity;
mod verdict;

pub use bundle::{Bundle, Said};
pub use certificate::Chain;
pub use collect::lookaside_address;
pub use error::TrustError;
pub use identity::ImageIdentity;
pub use in_storage::InStorage;
pub use judge::judge;
pub use payload::{Payload, PayloadKind};
pub use policy::{Policy, PolicyPlaces};
pub use public_key::PublicKey;
pub use registries_d::{Section, SignatureStores, StorePlaces};
pub use rekor::Promise;
pub use sign::{SigstoreSignature, Statement};
pub use signature::{Found, Signature, annotation};
pub use sigstore_key::SigstoreKey;
pub use store::SignatureStore;
pub use verdict::{Key, Outcome, Step, Tried, Verdict};
