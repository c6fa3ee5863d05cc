//! Whether everything a commit needs has come.

use ostree_core::{CommitId, ReadObject, walk};

use crate::error::TarError;

/// Refuses a commit of which the store lacks any object. To be asked once all layers are read, before the commit is taken
/// for complete.
pub fn check_complete(store: &dyn ReadObject, commit: &CommitId) -> Result<(), TarError> {
    let missing =
        walk::missing(store, commit).map_err(|source| TarError::Check { commit: *commit, source: Box::new(source) })?;
    match missing.first() {
        Some(first) => Err(TarError::Incomplete { commit: *commit, count: missing.len(), first: *first }),
        None => Ok(()),
    }
}
