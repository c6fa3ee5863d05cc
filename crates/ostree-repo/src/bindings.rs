//! Whether a commit was made for the ref it is found under (`ostree.ref-binding`, `ostree.collection-binding`).

use ostree_core::metadata::{COLLECTION_BINDING, REF_BINDING};
use ostree_core::{Commit, CommitId, RefName};

use crate::error::RepoError;

/// Refuses a commit whose bindings do not name the ref `name`. A commit without bindings is for any ref, unless it is
/// expected to belong to `collection`; then both bindings must be there and agree.
pub fn check(id: &CommitId, commit: &Commit, collection: Option<&str>, name: &RefName) -> Result<(), RepoError> {
    match problem(commit, collection, name) {
        Some(problem) => Err(RepoError::Request(format!("Commit {id}: {problem}"))),
        None => Ok(()),
    }
}

fn problem(commit: &Commit, collection: Option<&str>, name: &RefName) -> Option<String> {
    match commit.metadata.get_strings(REF_BINDING) {
        Some(refs) if !refs.iter().any(|bound| bound == name.as_str()) => {
            let quoted: Vec<String> = refs.iter().map(|bound| format!("‘{bound}’")).collect();
            let shown = if quoted.is_empty() { "no refs".to_owned() } else { quoted.join(", ") };
            return Some(format!("Commit has no requested ref ‘{name}’ in ref binding metadata ({shown})"));
        }
        None if collection.is_some() => {
            return Some("Expected commit metadata to have ref binding information, found none".to_owned());
        }
        _ => {}
    }
    let wanted = collection?;
    match commit.metadata.get_str(COLLECTION_BINDING) {
        Some(bound) if bound == wanted => None,
        Some(bound) => Some(format!(
            "Commit has collection ID ‘{bound}’ in collection binding metadata, while the remote it came from has \
             collection ID ‘{wanted}’"
        )),
        None => Some("Expected commit metadata to have collection ID binding information, found none".to_owned()),
    }
}
