//! The signatures that a storage keeps with an image: one after the other in a file, with their lengths in the image's record.

use std::collections::BTreeMap;

use oci_image::Digest;
use serde::Deserialize;

/// What an image's record says about it, as far as it is about signatures.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Metadata {
    /// Of what was copied last.
    signature_sizes: Option<Vec<u64>>,
    /// By the digest of the manifest.
    signatures_sizes: Option<BTreeMap<String, Vec<u64>>>,
}

/// Signatures of one manifest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The key under which they are kept with the image.
    pub(crate) key: String,
    sizes: Vec<u64>,
}

impl Kept {
    /// What is kept for the manifest by an image whose record has this `metadata`. Programs of earlier days kept only those
    /// of what was copied last.
    pub(crate) fn find(metadata: &str, manifest: &Digest) -> Result<Self, serde_json::Error> {
        let metadata = match metadata {
            "" => Metadata::default(),
            text => serde_json::from_str(text)?,
        };
        let own = metadata.signatures_sizes.unwrap_or_default().remove(&manifest.to_string());
        Ok(match own.filter(|sizes| !sizes.is_empty()) {
            Some(sizes) => Self { key: format!("signature-{}", manifest.hex()), sizes },
            None => Self { key: "signatures".to_owned(), sizes: metadata.signature_sizes.unwrap_or_default() },
        })
    }

    /// How many bytes they have together.
    pub(crate) fn total(&self) -> u64 {
        self.sizes.iter().fold(0, |sum, size| sum.saturating_add(*size))
    }

    /// Cuts what is kept into signatures. The reason is given where it has another length.
    pub(crate) fn cut(&self, mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        let length = bytes.len();
        let mut signatures = Vec::new();
        for size in &self.sizes {
            let cut = usize::try_from(*size).ok().and_then(|size| bytes.split_at_checked(size));
            let Some((signature, rest)) = cut else { break };
            signatures.push(signature.to_vec());
            bytes = rest;
        }
        match bytes.is_empty() && signatures.len() == self.sizes.len() {
            true => Ok(signatures),
            false => Err(format!("{length} bytes of signatures in place of {}", self.total())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_the_manifest_or_those_of_the_image() {
        let (one, other) = (Digest::sha256(b"1"), Digest::sha256(b"2"));
        let text = format!(r#"{{"signature-sizes":[1],"signatures-sizes":{{"{one}":[2,3]}},"future":1}}"#);
        let found = Kept::find(&text, &one).unwrap();
        assert_eq!((found.key.as_str(), found.total()), (format!("signature-{}", one.hex()).as_str(), 5));
        assert_eq!(found.cut(b"abcde").unwrap(), [b"ab".to_vec(), b"cde".to_vec()]);
        for wrong in [b"abcd".as_slice(), b"abcdef", b""] {
            assert!(found.cut(wrong).unwrap_err().ends_with("in place of 5"));
        }
        let found = Kept::find(&text, &other).unwrap();
        assert_eq!((found.key.as_str(), found.total()), ("signatures", 1));
        for none in ["", "{}", r#"{"signature-sizes":null,"signatures-sizes":null}"#] {
            assert_eq!(Kept::find(none, &one).unwrap().total(), 0);
        }
        for bad in ["[", r#"{"signature-sizes":[-1]}"#] {
            assert!(Kept::find(bad, &one).is_err());
        }
    }
}
