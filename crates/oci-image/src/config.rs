//! Image configurations: what an image runs and which layers it consists of (OCI image specification, "Configuration").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::ImageError;
use crate::json::{self, null_as_default};
use crate::limits::MAX_CONFIG;
use crate::media_type;
use crate::platform::{self, Platform};

/// An image configuration. Members that are not known here are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImageConfig {
    /// When the image was made, as RFC 3339 text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The processor in Go's name, as in `amd64`; empty where the document has none.
    #[serde(default, deserialize_with = "null_as_default")]
    pub architecture: String,
    /// The operating system, as in `linux`; empty where the document has none.
    #[serde(default, deserialize_with = "null_as_default")]
    pub os: String,
    /// What runs in the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ContainerConfig>,
    /// The layers' uncompressed digests.
    pub rootfs: RootFs,
    /// How the layers came to be; may be empty.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
    /// Every other member, as it was (`variant` and `author` among them).
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

/// The defaults of a container made of the image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerConfig {
    /// The default command or the entry point's arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    /// The program that always runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// `NAME=VALUE` variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<String>>,
    /// Labels, ordered by key.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Every other member, as it was.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

/// What the image's file system consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The digest of each layer's uncompressed tar, the lowest first.
    #[serde(default, deserialize_with = "null_as_default")]
    pub diff_ids: Vec<Digest>,
}

impl Default for RootFs {
    fn default() -> Self {
        Self { kind: "layers".to_owned(), diff_ids: Vec::new() }
    }
}

/// One step of an image's making.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    /// When, as RFC 3339 text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// By which command or of which components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// A free remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether the step made no layer.
    #[serde(default, skip_serializing_if = "is_false")]
    pub empty_layer: bool,
    /// Every other member, as it was.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl ImageConfig {
    /// Reads a configuration's JSON.
    ///
    /// # Errors
    /// [`ImageError::Invalid`] for what is no configuration or beyond the [limits](crate::limits).
    pub fn parse(bytes: &[u8]) -> Result<Self, ImageError> {
        json::from_slice("image configuration", bytes, MAX_CONFIG)
    }

    /// The configuration's canonical JSON and the OCI descriptor of it.
    ///
    /// # Errors
    /// [`ImageError::Invalid`] when an unknown member holds a fraction.
    pub fn to_blob(&self) -> Result<(Vec<u8>, Descriptor), ImageError> {
        let bytes = json::to_canonical("image configuration", self)?;
        let descriptor = Descriptor::new(media_type::OCI_CONFIG, Digest::sha256(&bytes), bytes.len() as u64);
        Ok((bytes, descriptor))
    }

    /// What the image runs on.
    pub fn platform(&self) -> Platform {
        platform::from_config_members(&self.architecture, &self.os, &self.extra)
    }

    /// The image's label of that name.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.config.as_ref()?.labels.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_nulls_are_read_and_unknown_members_kept() {
        let text = r#"{"architecture":"arm","variant":"v7","os":"linux","docker_version":"20","config":{"Cmd":null,
            "Labels":null,"Env":["A=b"],"Healthcheck":{"Interval":3}},"rootfs":{"type":"layers","diff_ids":null},
            "history":[{"created_by":"x","empty_layer":true,"author":"y"}]}"#;
        let config = ImageConfig::parse(text.as_bytes()).unwrap();
        assert_eq!(config.platform().to_string(), "linux/arm/v7");
        let (bytes, descriptor) = config.to_blob().unwrap();
        assert_eq!(descriptor.size, bytes.len() as u64);
        let again = String::from_utf8(bytes).unwrap();
        for kept in ["docker_version", "Healthcheck", "\"author\":\"y\"", "\"empty_layer\":true", "\"variant\":\"v7\""]
        {
            assert!(again.contains(kept), "{kept} in {again}");
        }
    }

    #[test]
    fn bad_configurations_are_refused() {
        for bad in ["{}", "[]", r#"{"rootfs":{"type":"layers","diff_ids":["sha256:../x"]}}"#, "{\"rootfs\":7}"] {
            assert!(ImageConfig::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
