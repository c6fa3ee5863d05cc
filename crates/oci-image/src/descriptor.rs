//! Descriptors: how a manifest or an index points to content (OCI image specification, "Content Descriptors").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

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
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
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
}
