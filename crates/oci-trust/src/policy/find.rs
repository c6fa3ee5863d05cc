//! Where the policy is looked for.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::TrustError;
use crate::limits::POLICY_BYTES;
use crate::policy::table::Policy;

/// The files that may be the host's policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyPlaces {
    /// The file that the user named, which must be there; no other is looked for.
    pub named: Option<PathBuf>,
    /// The user's home directory.
    pub home: Option<PathBuf>,
}

/// The system's policy.
const SYSTEM: &str = "/etc/containers/policy.json";

impl PolicyPlaces {
    /// The files in the order in which they are looked for: the first that is there counts, and no other.
    pub fn candidates(&self) -> Vec<PathBuf> {
        if let Some(named) = &self.named {
            return vec![named.clone()];
        }
        let own = self.home.as_ref().map(|home| home.join(".config/containers/policy.json"));
        own.into_iter().chain([PathBuf::from(SYSTEM)]).collect()
    }

    /// Reads the policy; `None` when the host has none and the user named none.
    ///
    /// # Errors
    /// [`TrustError::Io`] for a file that is there and cannot be read, or that was named and is not there;
    /// [`TrustError::BadFile`] for one that is no policy.
    pub fn read(&self) -> Result<Option<Policy>, TrustError> {
        for path in self.candidates() {
            match read(&path) {
                Ok(text) => return Policy::parse(&text, &path).map(Some),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.named.is_none() => {}
                Err(source) => return Err(TrustError::Io { action: "reading", path, source }),
            }
        }
        Ok(None)
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    std::fs::File::open(path)?.take(POLICY_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > POLICY_BYTES {
        return Err(std::io::Error::other(format!("larger than {POLICY_BYTES} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_comes_first_and_a_named_one_alone() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().to_owned();
        let places = PolicyPlaces { named: None, home: Some(home.clone()) };
        assert_eq!(places.candidates(), [home.join(".config/containers/policy.json"), SYSTEM.into()]);
        std::fs::create_dir_all(home.join(".config/containers")).unwrap();
        std::fs::write(home.join(".config/containers/policy.json"), r#"{"default":[{"type":"reject"}]}"#).unwrap();
        assert_eq!(places.read().unwrap().unwrap().path, home.join(".config/containers/policy.json"));
        let named = PolicyPlaces { named: Some(home.join("none")), ..places };
        assert!(matches!(named.read(), Err(TrustError::Io { .. })));
    }
}
