//! The media types of manifests: which ones are asked for, and which one an answer has.

use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE,
};
use serde::Deserialize;

/// Every kind of manifest that can be read: OCI and Docker (version 2, schema 2), single and list.
const KNOWN: [&str; 4] =
    [OCI_IMAGE_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE];

/// The `Accept` header of a manifest request.
pub(crate) fn accept() -> String {
    KNOWN.join(", ")
}

/// What of a manifest tells its kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    manifests: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    layers: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    fs_layers: Option<serde::de::IgnoredAny>,
}

/// The media type of a manifest: the header's where it is a kind of manifest, else the document's `mediaType`, else the
/// one its members imply. `Err` says why the document is none that can be read.
pub(crate) fn of(header: Option<&str>, document: &[u8]) -> Result<String, &'static str> {
    let members: Members = serde_json::from_slice(document).map_err(|_| "the manifest is not a JSON object")?;
    let known = |text: &&str| KNOWN.contains(text);
    if let Some(kind) = header.filter(known).or(members.media_type.as_deref().filter(known)) {
        return Ok(kind.to_owned());
    }
    match (members.manifests, members.layers, members.fs_layers) {
        (Some(_), None, None) => Ok(OCI_IMAGE_INDEX_MEDIA_TYPE.to_owned()),
        (None, Some(_), None) => Ok(OCI_IMAGE_MEDIA_TYPE.to_owned()),
        (None, None, Some(_)) => Err("the manifest is of Docker's schema 1, which cannot be verified"),
        _ => Err("the document is neither a manifest nor an index"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_then_document_then_members() {
        let index = br#"{"manifests":[]}"#;
        assert_eq!(of(Some(IMAGE_MANIFEST_LIST_MEDIA_TYPE), index).unwrap(), IMAGE_MANIFEST_LIST_MEDIA_TYPE);
        assert_eq!(of(Some("text/plain"), index).unwrap(), OCI_IMAGE_INDEX_MEDIA_TYPE);
        let docker = format!(r#"{{"mediaType":"{IMAGE_MANIFEST_MEDIA_TYPE}","layers":[]}}"#);
        assert_eq!(of(None, docker.as_bytes()).unwrap(), IMAGE_MANIFEST_MEDIA_TYPE);
        assert!(of(None, br#"{"fsLayers":[]}"#).is_err());
        assert!(of(None, b"{}").is_err() && of(None, b"hello").is_err() && of(None, b"[]").is_err());
    }
}
