//! Image indexes (OCI) and manifest lists (Docker): manifests by platform, or by name in an image directory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::ImageError;
use crate::json::{self, null_as_default};
use crate::limits::{MAX_INDEX_ENTRIES, MAX_MANIFEST};
use crate::media_type;
use crate::platform::Platform;
use crate::source::RawManifest;

/// A list of manifests. Members that are not known here are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// The media type the document gives itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The manifests and nested indexes.
    #[serde(default, deserialize_with = "null_as_default")]
    pub manifests: Vec<Descriptor>,
    /// Free annotations, ordered by key.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Every other member, as it was.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

impl Index {
    /// An index of `manifests`.
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        Self { schema_version: 2, media_type: None, manifests, annotations: BTreeMap::new(), extra: BTreeMap::new() }
    }

    /// Reads an index's JSON.
    ///
    /// # Errors
    /// [`ImageError::Invalid`] for what is no index or beyond the [limits](crate::limits).
    pub fn parse(bytes: &[u8]) -> Result<Self, ImageError> {
        let index: Self = json::from_slice("image index", bytes, MAX_MANIFEST)?;
        let refuse = |reason: String| ImageError::Invalid { what: "image index".to_owned(), reason };
        if index.schema_version != 2 {
            return Err(refuse(format!("schema version {} is not 2", index.schema_version)));
        }
        if index.manifests.len() > MAX_INDEX_ENTRIES {
            return Err(refuse(format!("{} entries are more than the limit", index.manifests.len())));
        }
        Ok(index)
    }

    /// The media type of the document: its own, else the OCI one.
    pub fn media_type(&self) -> &str {
        self.media_type.as_deref().unwrap_or(media_type::OCI_INDEX)
    }

    /// The document as it is stored: canonical JSON and its digest.
    ///
    /// # Errors
    /// [`ImageError::Invalid`] when an unknown member holds a fraction.
    pub fn to_raw(&self) -> Result<RawManifest, ImageError> {
        let bytes = json::to_canonical("image index", self)?;
        Ok(RawManifest { digest: Digest::sha256(&bytes), media_type: self.media_type().to_owned(), bytes })
    }

    /// The entry that runs best on `platform`, the first of equals. An index of one entry without a platform gives that
    /// entry.
    ///
    /// # Errors
    /// [`ImageError::NotFound`], naming what there is.
    pub fn choose(&self, platform: &Platform) -> Result<&Descriptor, ImageError> {
        if let [only] = self.manifests.as_slice()
            && !only.extra.contains_key("platform")
        {
            return Ok(only);
        }
        let ranked = self.manifests.iter().filter_map(|entry| Some((platform.rank(&entry.platform()?)?, entry)));
        ranked.min_by_key(|(rank, _)| *rank).map(|(_, entry)| entry).ok_or_else(|| {
            let offered: Vec<String> =
                self.manifests.iter().take(20).filter_map(|entry| entry.platform()).map(|p| p.to_string()).collect();
            ImageError::NotFound {
                what: format!("an image for {platform}"),
                place: format!("the image index, which offers {}", list(&offered)),
            }
        })
    }
}

/// The items with commas between them, or `nothing`.
pub(crate) fn list(items: &[String]) -> String {
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(platform: Option<&str>, content: &str) -> Descriptor {
        let descriptor = Descriptor::new(media_type::OCI_MANIFEST, Digest::sha256(content.as_bytes()), 1);
        match platform {
            Some(text) => descriptor.with_platform(&text.parse().unwrap()),
            None => descriptor,
        }
    }

    #[test]
    fn the_best_platform_is_chosen() {
        let platforms = ["unknown/unknown", "linux/arm/v5", "linux/arm/v7", "linux/amd64", "linux/amd64"];
        let entries = platforms.iter().zip(["0", "1", "2", "3", "4"]).map(|(p, c)| entry(Some(p), c)).collect();
        let raw = Index::new(entries).to_raw().unwrap();
        let index = Index::parse(&raw.bytes).unwrap();
        let choose = |text: &str| index.choose(&text.parse().unwrap()).map(|entry| entry.digest.clone());
        assert_eq!(choose("linux/amd64").unwrap(), Digest::sha256(b"3"));
        assert_eq!(choose("linux/arm/v6").unwrap(), Digest::sha256(b"1"));
        assert_eq!(choose("linux/arm").unwrap(), Digest::sha256(b"2"));
        let error = choose("linux/s390x").unwrap_err().to_string();
        assert!(error.contains("linux/s390x") && error.contains("linux/arm/v7"), "{error}");
        assert!(Index::new(vec![entry(None, "x")]).choose(&Platform::host()).is_ok());
    }
}
