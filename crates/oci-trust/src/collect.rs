//! All signatures of an image, from every place where they may be.

use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oci_image::{Descriptor, Digest, ImageError, Index, Manifest, Named};

use crate::error::{TrustError, shown};
use crate::identity::ImageIdentity;
use crate::json::{At, Json};
use crate::limits::{ALL_SIGNATURES_BYTES, SIGNATURE_BYTES, SIGNATURES};
use crate::media_type::{SIGSTORE_BUNDLE, SIGSTORE_PAYLOAD};
use crate::registries_d::SignatureStores;
use crate::signature::{Found, Signature};
use crate::store::SignatureStore;

/// Where the signatures of one manifest are looked for.
pub(crate) struct Collector<'a> {
    pub(crate) image: &'a ImageIdentity,
    /// For `dir:`, the directory.
    pub(crate) directory: Option<PathBuf>,
    pub(crate) stores: &'a SignatureStores,
    pub(crate) store: &'a dyn SignatureStore,
}

impl Collector<'_> {
    /// Those in files: of a `dir:` image, of a container storage, of a registry that keeps them itself, else of the lookaside
    /// store.
    pub(crate) fn stored(&self, digest: &Digest) -> Result<Vec<Found>, TrustError> {
        if let Some(directory) = &self.directory {
            return numbered(|number| {
                let path = directory.join(format!("signature-{number}"));
                Ok((path.display().to_string(), read_file(&path)?))
            });
        }
        if let Some(kept) = self.store.signatures_in_storage(digest).map_err(|source| self.failed(source))? {
            return self.of_storage(kept);
        }
        let Some(name) = self.name() else { return Ok(Vec::new()) };
        if let Some(answer) = self.store.kept_signatures(digest).map_err(|source| self.failed(source))? {
            return kept(&answer).map_err(|reason| self.invalid("the registry's list of signatures", reason));
        }
        let Some(base) = self.stores.lookaside(name) else { return Ok(Vec::new()) };
        numbered(|number| {
            let url = lookaside_address(base, name, digest, number);
            let found = self.fetch(&url)?;
            Ok((url, found))
        })
    }

    fn of_storage(&self, kept: Vec<Vec<u8>>) -> Result<Vec<Found>, TrustError> {
        const PLACE: &str = "the storage's own signatures";
        if kept.len() > SIGNATURES {
            return Err(self.invalid(PLACE, format!("more than {SIGNATURES} signatures")));
        }
        if kept.iter().map(|bytes| bytes.len() as u64).fold(0, u64::saturating_add) > ALL_SIGNATURES_BYTES {
            return Err(self.invalid(PLACE, format!("signatures of more than {ALL_SIGNATURES_BYTES} bytes")));
        }
        let found = |(index, bytes)| Found {
            place: format!("the storage's own signature-{}", index + 1),
            signature: Signature::from_file(bytes),
        };
        Ok(kept.into_iter().enumerate().map(found).collect())
    }

    /// Those beside the image on its registry: those of the tag for them, and bundles that refer to it.
    pub(crate) fn attached(&self, digest: &Digest) -> Result<Vec<Found>, TrustError> {
        let Some(name) = self.name().filter(|name| self.stores.uses_attachments(name)) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let tag = format!("{}-{}.sig", digest.algorithm().name(), digest.hex());
        if let Some(raw) = self.store.tagged(&tag).map_err(|source| self.failed(source))? {
            let place = format!("{}:{tag}", name.name());
            let manifest = Manifest::parse(&raw.bytes).map_err(|source| self.failed(source))?;
            self.attachments(&manifest, &place, &mut found)?;
        }
        for descriptor in self.referring(digest)? {
            let place = format!("{}@{}", name.name(), descriptor.digest);
            let raw = self.store.manifest_at(&descriptor).map_err(|source| self.failed(source))?;
            let manifest = Manifest::parse(&raw.bytes).map_err(|source| self.failed(source))?;
            if manifest.subject.as_ref().is_some_and(|subject| subject.digest == *digest) {
                self.attachments(&manifest, &place, &mut found)?;
            }
        }
        Ok(found)
    }

    /// Why nothing is looked for beside the image, if so.
    pub(crate) fn why_none_attached(&self) -> Option<String> {
        match self.name() {
            None => Some(format!("images of {} have none beside them", self.image.transport)),
            Some(name) if !self.stores.uses_attachments(name) => {
                Some(format!("use-sigstore-attachments is not set in registries.d for {}", name.name()))
            }
            Some(_) => None,
        }
    }

    fn name(&self) -> Option<&Named> {
        self.image.name.as_ref().filter(|_| self.image.transport == "docker")
    }

    /// The manifests that refer to a digest and may be bundles: by the registry's list, else by the tag in its place.
    fn referring(&self, digest: &Digest) -> Result<Vec<Descriptor>, TrustError> {
        let answer = self.store.referrers(digest).map_err(|source| self.failed(source))?;
        let bytes = match answer {
            Some(bytes) => Some(bytes),
            None => {
                let tag = format!("{}-{}", digest.algorithm().name(), digest.hex());
                self.store.tagged(&tag).map_err(|source| self.failed(source))?.map(|raw| raw.bytes)
            }
        };
        let Some(bytes) = bytes else { return Ok(Vec::new()) };
        let index = Index::parse(&bytes).map_err(|source| self.failed(source))?;
        let is_bundle = |descriptor: &Descriptor| {
            let kind = descriptor.extra.get("artifactType").and_then(|value| value.as_str());
            kind.is_none_or(|kind| kind.is_empty() || kind.starts_with(SIGSTORE_BUNDLE))
        };
        Ok(index.manifests.into_iter().filter(is_bundle).take(SIGNATURES).collect())
    }

    fn attachments(&self, manifest: &Manifest, place: &str, found: &mut Vec<Found>) -> Result<(), TrustError> {
        let held: usize = found.iter().map(Found::size).sum();
        let sizes = manifest.layers.iter().map(|layer| layer.size);
        let layers_size = sizes.fold(held as u64, u64::saturating_add);
        for layer in &manifest.layers {
            if found.len() >= SIGNATURES {
                return Err(self.invalid(place, format!("more than {SIGNATURES} signatures")));
            }
            if layers_size > ALL_SIGNATURES_BYTES {
                return Err(self.invalid(place, format!("signatures of more than {ALL_SIGNATURES_BYTES} bytes")));
            }
            let read = || self.store.blob(layer, SIGNATURE_BYTES).map_err(|source| self.failed(source));
            let signature = match layer.media_type.as_str() {
                SIGSTORE_PAYLOAD => Signature::Sigstore { payload: read()?, annotations: layer.annotations.clone() },
                other if other.starts_with(SIGSTORE_BUNDLE) => Signature::Bundle(read()?),
                other => Signature::Other(shown(other)),
            };
            found.push(Found { place: format!("{place} ({})", layer.digest), signature });
        }
        Ok(())
    }

    fn fetch(&self, url: &str) -> Result<Option<Vec<u8>>, TrustError> {
        if let Some(path) = url.strip_prefix("file://").map(Path::new) {
            return match path.is_absolute() {
                true => read_file(path),
                false => Err(self.invalid(url, "not an absolute path".to_owned())),
            };
        }
        if url.starts_with("http://") || url.starts_with("https://") {
            return self.store.address(url, SIGNATURE_BYTES).map_err(|source| self.failed(source));
        }
        Err(self.invalid(url, "neither file://, http:// nor https://".to_owned()))
    }

    fn failed(&self, source: ImageError) -> TrustError {
        TrustError::Image { image: self.image.shown.clone(), source }
    }

    fn invalid(&self, what: &str, reason: String) -> TrustError {
        self.failed(ImageError::Invalid { what: shown(what), reason })
    }
}

/// The address of a signature in a lookaside store.
pub fn lookaside_address(base: &str, name: &Named, digest: &Digest, number: usize) -> String {
    let (algorithm, hex) = (digest.algorithm().name(), digest.hex());
    format!("{}/{}@{algorithm}={hex}/signature-{number}", base.trim_end_matches('/'), name.path())
}

/// Files with numbers from one on, until one is not there.
fn numbered(read: impl Fn(usize) -> Result<(String, Option<Vec<u8>>), TrustError>) -> Result<Vec<Found>, TrustError> {
    let (mut found, mut size) = (Vec::new(), 0);
    for number in 1..=SIGNATURES {
        let (place, Some(bytes)) = read(number)? else { return Ok(found) };
        size += bytes.len() as u64;
        if size > ALL_SIGNATURES_BYTES {
            let source = std::io::Error::other(format!("signatures of more than {ALL_SIGNATURES_BYTES} bytes"));
            return Err(TrustError::Io { action: "reading signature", path: place.into(), source });
        }
        found.push(Found { place, signature: Signature::from_file(bytes) });
    }
    Ok(found)
}

fn read_file(path: &Path) -> Result<Option<Vec<u8>>, TrustError> {
    let failed = |source| TrustError::Io { action: "reading signature", path: path.to_owned(), source };
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let mut bytes = Vec::new();
    file.take(SIGNATURE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > SIGNATURE_BYTES {
        return Err(failed(std::io::Error::other(format!("larger than {SIGNATURE_BYTES} bytes"))));
    }
    Ok(Some(bytes))
}

/// The signatures in the answer of a registry that keeps them itself. Those of other versions and types count as other ones.
fn kept(answer: &[u8]) -> Result<Vec<Found>, String> {
    let json = Json::parse(answer)?;
    let list = At::top(&json).object()?.required("signatures")?;
    let mut found = Vec::new();
    if *list.json == Json::Null {
        return Ok(found);
    }
    for at in list.list()?.into_iter().take(SIGNATURES) {
        let mut members = at.object()?;
        let version = members.required("schemaVersion")?.integer()?;
        let kind = members.required("type")?.text()?;
        let place = format!("the registry's own {}", shown(members.required("name")?.text()?));
        let signature = if version == 2 && kind == "atomic" {
            let content = members.required("content")?;
            Signature::Simple(STANDARD.decode(content.text()?).map_err(|error| content.wrong(error))?)
        } else {
            Signature::Other(shown(kind))
        };
        found.push(Found { place, signature });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_path_and_digest() {
        let digest = Digest::from_sha256([0xab; 32]);
        let name = Named::parse("h.example:5000/p/os:1").unwrap();
        let expected = format!("file:///var/s/p/os@sha256={}/signature-1", digest.hex());
        assert_eq!(lookaside_address("file:///var/s/", &name, &digest, 1), expected);
    }

    #[test]
    fn answers_of_registries_that_keep_them() {
        let text = r#"{"signatures":[{"schemaVersion":2,"name":"a@b","type":"atomic","content":"eA=="},
            {"schemaVersion":3,"name":"c","type":"new"}]}"#;
        let found = kept(text.as_bytes()).unwrap();
        assert_eq!(found[0].signature, Signature::Simple(b"x".to_vec()));
        assert_eq!(found[1].signature, Signature::Other("new".into()));
        assert_eq!(kept(br#"{"signatures":null}"#).unwrap(), []);
        assert!(kept(b"{}").is_err());
    }
}
