//! Image manifests: OCI, and Docker's version 2 schema 2, which has the same members.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::ImageError;
use crate::json::{self, null_as_default};
use crate::limits::{MAX_LAYERS, MAX_MANIFEST};
use crate::media_type::{self, LayerCompression};
use crate::source::RawManifest;

/// One image: its configuration and its layers, the lowest first. Members that are not known here are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// The media type the document gives itself. Ours give none, as ostree's own tools do; Docker's must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The image configuration.
    pub config: Descriptor,
    /// The layers, the lowest first.
    #[serde(default, deserialize_with = "null_as_default")]
    pub layers: Vec<Descriptor>,
    /// Free annotations, ordered by key.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// The manifest this one speaks about (a signature, a delta).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Every other member, as it was.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

impl Manifest {
    /// An OCI manifest without annotations.
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: None,
            config,
            layers,
            annotations: BTreeMap::new(),
            subject: None,
            extra: BTreeMap::new(),
        }
    }

    /// Reads a manifest's JSON.
    ///
    /// # Errors
    /// [`ImageError::Invalid`] for what is no manifest or beyond the [limits](crate::limits).
    pub fn parse(bytes: &[u8]) -> Result<Self, ImageError> {
        let manifest: Self = json::from_slice("image manifest", bytes, MAX_MANIFEST)?;
        let refuse = |reason: String| ImageError::Invalid { what: "image manifest".to_owned(), reason };
        if manifest.schema_version != 2 {
            return Err(refuse(format!("schema version {} is not 2", manifest.schema_version)));
        }
        if manifest.layers.len() > MAX_LAYERS {
            return Err(refuse(format!("{} layers are more than the limit of {MAX_LAYERS}", manifest.layers.len())));
        }
        Ok(manifest)
    }

    /// The media type of the document: its own, else the OCI one.
    pub fn media_type(&self) -> &str {
        self.media_type.as_deref().unwrap_or(media_type::OCI_MANIFEST)
    }

    /// The same with the media types of OCI in place of Docker's. Digests and sizes stay, so what they name is found.
    pub fn to_oci(&self) -> Self {
        let mut manifest = self.clone();
        if manifest.media_type.as_deref() == Some(media_type::DOCKER_MANIFEST) {
            manifest.media_type = Some(media_type::OCI_MANIFEST.to_owned());
        }
        if manifest.config.media_type == media_type::DOCKER_CONFIG {
            manifest.config.media_type = media_type::OCI_CONFIG.to_owned();
        }
        for layer in manifest.layers.iter_mut().filter(|layer| layer.media_type.starts_with(media_type::DOCKER_LAYERS))
        {
            if let Some(compression) = LayerCompression::from_media_type(&layer.media_type) {
                layer.media_type = compression.oci_media_type().to_owned();
            }
        }
        manifest
    }

    /// The document as it is stored: canonical JSON and its digest.
    ///
    /// # Errors
    /// [`ImageError::Invalid`] when an unknown member holds a fraction.
    pub fn to_raw(&self) -> Result<RawManifest, ImageError> {
        let bytes = json::to_canonical("image manifest", self)?;
        Ok(RawManifest { digest: Digest::sha256(&bytes), media_type: self.media_type().to_owned(), bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let mut layer = Descriptor::new(media_type::OCI_LAYER_GZIP, Digest::sha256(b"l"), 1);
        layer.annotations.insert("ostree.components".into(), String::new());
        Manifest::new(Descriptor::new(media_type::OCI_CONFIG, Digest::sha256(b"c"), 1), vec![layer])
    }

    #[test]
    fn written_without_media_type_and_read_back() {
        let raw = sample().to_raw().unwrap();
        let text = String::from_utf8(raw.bytes.clone()).unwrap();
        assert!(text.starts_with("{\"config\":{\"digest\":\"sha256:"), "{text}");
        assert!(text.ends_with("}],\"schemaVersion\":2}"), "{text}");
        assert_eq!(raw.media_type, media_type::OCI_MANIFEST);
        assert_eq!(Manifest::parse(&raw.bytes).unwrap(), sample());
    }

    #[test]
    fn media_types_of_docker_become_those_of_oci() {
        let mut docker = sample();
        docker.media_type = Some(media_type::DOCKER_MANIFEST.into());
        docker.config.media_type = media_type::DOCKER_CONFIG.into();
        docker.layers[0].media_type = media_type::DOCKER_LAYER_GZIP.into();
        let mut oci = sample();
        oci.media_type = Some(media_type::OCI_MANIFEST.into());
        assert_eq!(docker.to_oci(), oci);
        assert_eq!(oci.to_oci(), oci);
    }

    #[test]
    fn unknown_members_stay() {
        let mut manifest = sample();
        manifest.extra.insert("artifactType".into(), "a/b".into());
        manifest.config.extra.insert("urls".into(), serde_json::json!(["x"]));
        let again = Manifest::parse(&manifest.to_raw().unwrap().bytes).unwrap();
        assert_eq!(again, manifest);
    }

    #[test]
    fn bad_manifests_are_refused() {
        let good = String::from_utf8(sample().to_raw().unwrap().bytes).unwrap();
        let cases = [
            good.replace("\"schemaVersion\":2", "\"schemaVersion\":1"),
            good.replace("sha256:", "sha256:../"),
            good.replace("\"size\":1", "\"size\":-1"),
            good.replace("\"config\":", "\"konfig\":"),
            "[]".to_owned(),
            String::new(),
        ];
        for bad in cases {
            assert!(Manifest::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Manifest::parse(&vec![b' '; 5 << 20]).unwrap_err().to_string().contains("limit"));
    }
}
