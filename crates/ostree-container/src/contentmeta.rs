//! The `--contentmeta` file: which file objects go into which layer.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;

use ostree_core::FileId;

use crate::error::ContainerError;

/// The only version of the format.
const VERSION: u32 = 1;

/// A plan for layers, made by another program. Its order is kept.
#[derive(Debug, Clone, Deserialize)]
pub struct ContentMeta {
    version: u32,
    /// When the image is said to be made, as RFC 3339 text; instead of the commit's time.
    #[serde(default)]
    pub created: Option<String>,
    /// Labels that go before those given otherwise.
    #[serde(default)]
    pub labels: Option<BTreeMap<String, String>>,
    /// The layers in order: id and human name.
    pub layers: Ordered,
    /// The layer id of every file object.
    pub mapping: BTreeMap<String, String>,
    #[serde(default)]
    ordered: Option<bool>,
}

/// A JSON object whose order counts.
#[derive(Debug, Clone)]
pub struct Ordered(pub Vec<(String, String)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Ordered;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Ordered(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

impl ContentMeta {
    /// Reads the JSON document.
    pub fn parse(json: &[u8]) -> Result<Self, ContainerError> {
        let refuse = |reason: String| ContainerError::Request(format!("content metadata: {reason}"));
        let meta: Self = serde_json::from_slice(json).map_err(|e| refuse(e.to_string()))?;
        if meta.version != VERSION {
            let version = meta.version;
            let text = format!("Unsupported metadata version: {version}. Currently supported: {VERSION}");
            return Err(ContainerError::Request(text));
        }
        if meta.ordered == Some(true) {
            return Err(ContainerError::Request("Ordered mapping not currently supported.".into()));
        }
        Ok(meta)
    }

    /// The layer of each file object, by position in `layers`.
    pub fn assignments(&self) -> Result<BTreeMap<FileId, usize>, ContainerError> {
        let positions: BTreeMap<&str, usize> =
            self.layers.0.iter().enumerate().map(|(position, (id, _))| (id.as_str(), position)).collect();
        self.mapping
            .iter()
            .map(|(checksum, layer)| {
                let file = checksum.parse::<FileId>();
                let file = file.map_err(|e| ContainerError::Request(format!("content metadata: {e}")))?;
                let position = positions.get(layer.as_str()).copied();
                let position = position.ok_or_else(|| {
                    ContainerError::Request(format!(
                        "content metadata: object {file} is mapped to unknown layer {layer}"
                    ))
                })?;
                Ok((file, position))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_versions() {
        let file = "0a".repeat(32);
        let json = format!(r#"{{"version":1,"layers":{{"z":"Zed","a":"Ay"}},"mapping":{{"{file}":"a"}}}}"#);
        let meta = ContentMeta::parse(json.as_bytes()).unwrap();
        assert_eq!(meta.layers.0[0].0, "z");
        assert_eq!(meta.assignments().unwrap().values().copied().collect::<Vec<_>>(), [1]);
        let other = ContentMeta::parse(br#"{"version":2,"layers":{},"mapping":{}}"#).unwrap_err();
        assert_eq!(other.to_string(), "Unsupported metadata version: 2. Currently supported: 1");
        let unknown = json.replace("\":\"a\"", "\":\"b\"");
        assert!(ContentMeta::parse(unknown.as_bytes()).unwrap().assignments().is_err());
    }
}
