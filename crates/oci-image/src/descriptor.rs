//! Descriptors: how a manifest or an index points to content (OCI image specification, "Content Descriptors").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::json::null_as_default;
use crate::platform::Platform;

/// A pointer to content: its type, its digest and its size in bytes. Members this program does not know are kept in
/// `extra`, so that a descriptor that is written again loses nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The media type of the content.
    pub media_type: String,
    /// The digest of the content's bytes.
    pub digest: Digest,
    /// The length of the content in bytes.
    pub size: u64,
    /// Free annotations, ordered by key.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Every other member, as it was.
    #[serde(flatten)]
    pub extra: BTreeMap<String, serde_json::Value>,
}

impl Descriptor {
    /// A descriptor with nothing but the three required members.
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self { media_type: media_type.into(), digest, size, annotations: BTreeMap::new(), extra: BTreeMap::new() }
    }

    /// The platform an index gives for the manifest; `None` when it gives none or one that is not understood.
    pub fn platform(&self) -> Option<Platform> {
        Platform::deserialize(self.extra.get("platform")?).ok()
    }

    /// The same with a platform, as an index has it.
    #[must_use]
    pub fn with_platform(mut self, platform: &Platform) -> Self {
        if let Ok(value) = serde_json::to_value(platform) {
            self.extra.insert("platform".to_owned(), value);
        }
        self
    }
}
