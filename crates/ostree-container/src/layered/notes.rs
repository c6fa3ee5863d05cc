//! What a layer commit has to remember of its layer besides the tree.

use std::collections::{BTreeMap, BTreeSet};

use ostree_core::{Checksum, FileId, Metadata};
use ostree_tar::layer::{LowerLink, LowerTarget};
use serde::{Deserialize, Serialize};

use crate::keys;

/// What a tree cannot say of a layer, as JSON in the metadata of the layer's commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// Which rules the layer was read by; a layer read by others is read again.
    pub rules: Rules,
    /// The digest of the SELinux policy that the objects are labelled by, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The directories that the layer does not describe itself.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub implicit: BTreeSet<String>,
    /// The hard links to lower layers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// How many entries were left out, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub filtered: BTreeMap<String, u64>,
}

impl Notes {
    /// The notes in a commit's metadata; an error if they cannot be read, `None` if it has none.
    pub fn read(metadata: &Metadata) -> Option<Result<Self, serde_json::Error>> {
        metadata.get_str(keys::LAYER_NOTES).map(serde_json::from_str)
    }
}

/// What decides about which entries of a layer are kept, and where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Whether `/var` becomes `/usr/share/factory/var`.
    #[serde(default)]
    pub factory_var: bool,
    /// Whether what is outside `/usr`, `/etc` and `/var` is kept.
    #[serde(default)]
    pub all_paths: bool,
    /// Whether special files are left out.
    #[serde(default)]
    pub skip_special: bool,
}

/// A hard link to a lower layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where it stands.
    path: String,
    /// The path it leads to, if it leads to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// The object it leads to otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<String>,
}

impl From<&LowerLink> for Link {
    fn from(link: &LowerLink) -> Self {
        let (to, object) = match &link.target {
            LowerTarget::Path(path) => (Some(path.clone()), None),
            LowerTarget::Object(id) => (None, Some(id.to_string())),
        };
        Self { path: link.path.clone(), to, object }
    }
}

impl Link {
    /// The link; `None` if it leads nowhere, as only a damaged commit has it.
    pub fn lower(&self) -> Option<LowerLink> {
        let target = match (&self.to, &self.object) {
            (Some(path), _) => LowerTarget::Path(path.clone()),
            (None, Some(id)) => LowerTarget::Object(FileId::new(id.parse::<Checksum>().ok()?)),
            (None, None) => return None,
        };
        Some(LowerLink { path: self.path.clone(), target })
    }
}
