//! Options about which images may come in.

use std::path::PathBuf;

use oci_trust::{PolicyPlaces, StorePlaces};

/// Options about which images may come in.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PolicyArgs {
    /// The container policy, which says which images may come in and who must have signed them
    ///
    /// Else ~/.config/containers/policy.json if it is there, else /etc/containers/policy.json. It counts for every image that is
    /// read. Where there is none, ostree-image-signed: is refused, and everything else comes in.
    #[arg(long, value_name = "FILE", overrides_with = "policy", hide_short_help = true)]
    pub policy: Option<PathBuf>,
    /// The directory with files that say where signatures are kept
    ///
    /// Else ~/.config/containers/registries.d if it is there, else /etc/containers/registries.d.
    #[arg(long = "registries.d", value_name = "DIR", overrides_with = "registries_d", hide_short_help = true)]
    pub registries_d: Option<PathBuf>,
}

impl PolicyArgs {
    /// Where the policy is looked for.
    pub fn policies(&self) -> PolicyPlaces {
        PolicyPlaces { named: self.policy.clone(), home: home() }
    }

    /// Where it is looked up where signatures are kept.
    pub fn stores(&self) -> StorePlaces {
        StorePlaces { named: self.registries_d.clone(), home: home(), is_root: is_root() }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The user's home. Services of the system run without `HOME`, where root's is known all the same.
fn home() -> Option<PathBuf> {
    let named = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    named.or_else(|| is_root().then(|| PathBuf::from("/root")))
}
