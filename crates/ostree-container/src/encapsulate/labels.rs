//! The labels of an image, which its manifest repeats as annotations.

use std::collections::BTreeMap;

use ostree_core::metadata::{BOOTABLE, LINUX, VERSION};
use ostree_core::{Commit, CommitId};

use crate::encapsulate::options::EncapsulateOptions;
use crate::error::ContainerError;
use crate::keys::{BOOTABLE_LABEL, BOOTC_LABEL, COMMIT_LABEL, LINUX_LABEL, VERSION_LABEL};

/// All labels but the one that names the last layer, which is not known yet. Those the user gives override the others;
/// those of the content metadata override the user's.
pub fn labels(
    id: &CommitId,
    commit: &Commit,
    options: &EncapsulateOptions,
) -> Result<BTreeMap<String, String>, ContainerError> {
    let metadata = &commit.metadata;
    let mut labels = BTreeMap::from([(COMMIT_LABEL.to_owned(), id.to_string())]);
    if let Some(bootable) = metadata.get_bool(BOOTABLE) {
        labels.insert(BOOTABLE_LABEL.into(), bootable.to_string());
        labels.insert(BOOTC_LABEL.into(), "1".into());
    }
    if let Some(linux) = metadata.get_str(LINUX) {
        labels.insert(LINUX_LABEL.into(), linux.into());
    }
    if let Some(version) = metadata.get_str(VERSION) {
        labels.insert(VERSION_LABEL.into(), version.into());
    }
    for (key, required) in &options.copy_metadata {
        match (metadata.get_str(key), required) {
            (Some(value), _) => {
                labels.insert(key.clone(), value.into());
            }
            (None, true) => {
                return Err(ContainerError::Request(format!("Could not find commit metadata key: {key}")));
            }
            (None, false) => {}
        }
    }
    labels.extend(options.labels.clone());
    if let Some(more) = options.content.as_ref().and_then(|content| content.labels.clone()) {
        labels.extend(more);
    }
    Ok(labels)
}
