//! Whom a remote's configuration trusts, applied to commits and summaries.

mod commit;
mod load;
mod settings;

pub use commit::{CommitVerifier, commit_reports};
pub use settings::{EngineKeys, RemoteTrust, SignVerify};
