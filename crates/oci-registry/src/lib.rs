//! An OCI registry over HTTP as image source and sink.
//!
//! [`RegistrySource`] and [`RegistrySink`] implement the seam of `oci-image` over the OCI distribution specification. The
//! network's work is asynchronous inside, on one hidden worker thread; every public call blocks and ends at the latest
//! when nothing has moved for [`RegistryOptions::timeout`].
//!
//! Credentials go to the registry's own scheme, host and port (and to the token server it names) and nowhere else; they
//! are in no message and no debug output.

mod ask;
mod attach;
mod auth;
mod behind;
mod body;
mod client;
mod config;
mod endpoint;
mod environment;
mod error;
mod exchange;
mod explain;
mod fetch;
mod file;
mod identity;
mod limits;
mod media_type;
mod name;
mod neighbour;
mod no_identity;
mod options;
mod pace;
mod partial;
mod partial_store;
mod pieces;
mod pipe;
mod prefer;
mod presence;
mod problem;
mod proxy;
mod pull;
mod push;
mod redirect;
mod retry;
mod route;
mod run;
mod runtime;
mod segment;
mod settings;
mod stream;
mod tls;
mod transfer;
mod trust;
mod upload;
mod verifier;
mod wait;
mod writer;
mod writing;

pub use client::{RegistrySink, RegistrySource, fetch_address};
pub use config::Registries;
pub use environment::Environment;
pub use error::{Place, RegistryError};
pub use explain::{Route, has_entry, routes};
pub use options::{Listener, RegistryOptions};
pub use partial_store::clean_partials;
pub use run::Run;
pub use transfer::TransferOptions;
