//! The storage's own lists: `images.json` and `layers.json` (written by containers/storage; members that do not matter here
//! are passed over).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// The identifier of an image or a layer, safe as the name of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct RecordId(String);

impl TryFrom<String> for RecordId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        // More than any file system takes as a name.
        if text.is_empty() || text.len() > 255 || text.starts_with('.') || !text.bytes().all(inside) {
            return Err(format!("invalid identifier {:?}", text.chars().take(80).collect::<String>()));
        }
        Ok(Self(text))
    }
}

impl RecordId {
    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An image.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImageRecord {
    /// Its identifier: the hexadecimal part of its configuration's digest, as a rule.
    pub id: RecordId,
    /// The digest of its newest manifest.
    #[serde(default)]
    pub digest: Option<String>,
    /// Its full names.
    #[serde(default)]
    names: Option<Vec<String>>,
    /// Its topmost layer; `None` for a list of images.
    #[serde(default)]
    layer: Option<String>,
    /// The digests of what is kept with it, by key.
    #[serde(default)]
    big_data_digests: Option<BTreeMap<String, String>>,
    /// A JSON object as text, of which only signatures matter here.
    #[serde(default)]
    metadata: Option<String>,
}

impl ImageRecord {
    /// Its full names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        self.names.as_deref().unwrap_or_default()
    }

    /// The identifier of its topmost layer.
    #[must_use]
    pub fn top_layer(&self) -> Option<&str> {
        self.layer.as_deref().filter(|layer| !layer.is_empty())
    }

    /// What the program that stored it noted about it: a JSON object, or nothing.
    #[must_use]
    pub fn metadata(&self) -> &str {
        self.metadata.as_deref().unwrap_or_default()
    }

    /// Whether one of its manifests has this digest.
    #[must_use]
    pub fn has_manifest(&self, digest: &str) -> bool {
        let kept = self.big_data_digests.iter().flatten();
        let mut manifests = kept.filter(|(key, _)| key.starts_with("manifest")).map(|(_, digest)| digest);
        self.digest.as_deref() == Some(digest) || manifests.any(|found| found == digest)
    }
}

/// A layer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LayerRecord {
    /// Its identifier.
    pub id: RecordId,
    /// The identifier of the layer below it.
    #[serde(default)]
    parent: Option<String>,
    /// The digest of its uncompressed tar archive.
    #[serde(default)]
    diff_digest: Option<String>,
    /// The length of that archive; negative where it is unknown.
    #[serde(default)]
    diff_size: Option<i64>,
    #[serde(default)]
    flags: Option<BTreeMap<String, Value>>,
}

impl LayerRecord {
    /// The identifier of the layer below it.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.parent.as_deref().filter(|parent| !parent.is_empty())
    }

    /// The digest of its uncompressed tar archive, where it is known.
    #[must_use]
    pub fn diff_digest(&self) -> Option<&str> {
        self.diff_digest.as_deref()
    }

    /// The length of that archive in bytes, where it is known.
    #[must_use]
    pub fn diff_size(&self) -> Option<u64> {
        self.diff_size.and_then(|size| u64::try_from(size).ok()).filter(|size| *size > 0)
    }

    /// Whether somebody began to unpack it and has not ended.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.flags.as_ref().and_then(|flags| flags.get("incomplete")).is_some_and(|value| *value == Value::Bool(true))
    }
}

/// Reads the content of `images.json`.
///
/// # Errors
/// Where and why it is no such list.
pub fn parse_images(bytes: &[u8]) -> Result<Vec<ImageRecord>, serde_json::Error> {
    serde_json::from_slice(bytes)
}

/// Reads the content of `layers.json` or `volatile-layers.json`.
///
/// # Errors
/// Where and why it is no such list.
pub fn parse_layers(bytes: &[u8]) -> Result<Vec<LayerRecord>, serde_json::Error> {
    serde_json::from_slice(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        let images = r#"[{"id":"ab","digest":"sha256:1","names":["x"],"layer":"l","future":1,
            "big-data-digests":{"manifest":"sha256:2","sha256:9":"sha256:9"}},{"id":"cd","names":null}]"#;
        let images = parse_images(images.as_bytes()).unwrap();
        assert!(images[0].has_manifest("sha256:1") && images[0].has_manifest("sha256:2"));
        assert!(!images[0].has_manifest("sha256:9"));
        assert_eq!((images[0].top_layer(), images[1].top_layer()), (Some("l"), None));
        let layers = r#"[{"id":"l","parent":"","diff-digest":"sha256:1","diff-size":-1},
            {"id":"m","parent":"l","diff-size":7,"flags":{"incomplete":true}}]"#;
        let layers = parse_layers(layers.as_bytes()).unwrap();
        assert_eq!((layers[0].parent(), layers[0].diff_size(), layers[0].is_incomplete()), (None, None, false));
        assert_eq!((layers[1].parent(), layers[1].diff_size(), layers[1].is_incomplete()), (Some("l"), Some(7), true));
    }

    #[test]
    fn identifiers_are_file_names() {
        for bad in ["", ".", "..", "a/b", "/", "a b", "\u{e9}"] {
            let text = format!("[{{\"id\":{bad:?}}}]");
            assert!(parse_layers(text.as_bytes()).is_err(), "{bad}");
        }
    }
}
