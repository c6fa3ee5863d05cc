//! Bringing signatures to where they are looked for.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oci_image::{Descriptor, Digest, ImageError, ImageSink, InvalidName, Manifest, Named, RawManifest, json};

use crate::collect::lookaside_address;
use crate::error::TrustError;
use crate::limits::SIGNATURES;
use crate::media_type::SIGSTORE_PAYLOAD;
use crate::sign::SigstoreSignature;

/// The directory of a lookaside store that signatures are written to.
///
/// # Errors
/// [`TrustError::Name`] for an address that is no directory of this machine.
pub fn writable_store(base: &str) -> Result<PathBuf, TrustError> {
    let path = base.strip_prefix("file://").map(PathBuf::from).filter(|path| path.is_absolute());
    let reason =
        "signatures are written to file:// only; lookaside-staging in registries.d names another store".to_owned();
    path.ok_or_else(|| InvalidName::new(base, reason).into())
}

/// Adds a simple signature to a lookaside store, under the first number that is free; gives the file.
///
/// # Errors
/// [`TrustError::Io`].
pub fn add_to_store(store: &Path, name: &Named, digest: &Digest, signature: &[u8]) -> Result<PathBuf, TrustError> {
    let base = store.display().to_string();
    add_numbered(|number| PathBuf::from(lookaside_address(&base, name, digest, number)), signature)
}

/// Adds a simple signature to a `dir:` image, under the first number that is free; gives the file.
///
/// # Errors
/// [`TrustError::Io`].
pub fn add_to_directory(directory: &Path, signature: &[u8]) -> Result<PathBuf, TrustError> {
    add_numbered(|number| directory.join(format!("signature-{number}")), signature)
}

fn add_numbered(path: impl Fn(usize) -> PathBuf, signature: &[u8]) -> Result<PathBuf, TrustError> {
    for number in 1..=SIGNATURES {
        let path = path(number);
        let failed = |source| TrustError::Io { action: "writing signature", path: path.clone(), source };
        if path.exists() {
            continue;
        }
        let parent = path.parent().unwrap_or(Path::new("/"));
        std::fs::create_dir_all(parent).map_err(failed)?;
        // Nobody may read half of one, and of two that are written at once both must stay.
        let whole = parent.join(format!(".signature-{number}.{}", std::process::id()));
        let written = std::fs::write(&whole, signature).and_then(|()| std::fs::hard_link(&whole, &path));
        // It has another name by now, or is worth nothing.
        let _ = std::fs::remove_file(&whole);
        match written {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(failed(source)),
        }
    }
    let source = std::io::Error::other(format!("there are {SIGNATURES} signatures already"));
    Err(TrustError::Io { action: "writing signature", path: path(1), source })
}

/// Adds a signature to the image that holds the signatures of another one. `before` is what it holds now, `sink` writes it
/// anew.
///
/// # Errors
/// Those of the sink, and [`ImageError::Invalid`] where `before` is no manifest or has too many signatures.
pub fn attach(
    before: Option<&RawManifest>,
    sink: &dyn ImageSink,
    signature: &SigstoreSignature,
) -> Result<Digest, ImageError> {
    let mut layers = match before {
        Some(raw) => Manifest::parse(&raw.bytes)?.layers,
        None => Vec::new(),
    };
    if layers.len() >= SIGNATURES {
        let reason = format!("there are {SIGNATURES} signatures already");
        return Err(ImageError::Invalid { what: sink.name(), reason });
    }
    let mut layer = put(sink, SIGSTORE_PAYLOAD, &signature.payload)?;
    layer.annotations = signature.annotations.clone();
    layers.push(layer);
    let diff_ids: Vec<String> = layers.iter().map(|layer| layer.digest.to_string()).collect();
    let config = serde_json::json!({
        "architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let config = put(sink, oci_image::media_type::OCI_CONFIG, &json::to_canonical("image configuration", &config)?)?;
    let mut manifest = Manifest::new(config, layers);
    manifest.media_type = Some(oci_image::media_type::OCI_MANIFEST.to_owned());
    sink.finish(&manifest.to_raw()?)
}

fn put(sink: &dyn ImageSink, media_type: &str, content: &[u8]) -> Result<Descriptor, ImageError> {
    let descriptor = Descriptor::new(media_type, Digest::sha256(content), content.len() as u64);
    if !sink.has_blob(&descriptor)? {
        let mut writer = sink.start_blob(Some(&descriptor))?;
        writer.write_all(content).map_err(|error| ImageError::from_stream("writing", "signature", error))?;
        writer.commit(&descriptor)?;
    }
    Ok(descriptor)
}

/// A sigstore signature as it stands in a file of a `dir:` image.
///
/// # Errors
/// [`ImageError::Invalid`] in no case that is known: JSON takes every text.
pub fn file_form(signature: &SigstoreSignature) -> Result<Vec<u8>, ImageError> {
    let text = serde_json::json!({
        "mimeType": SIGSTORE_PAYLOAD, "payload": STANDARD.encode(&signature.payload), "annotations": signature.annotations,
    });
    Ok([b"\0sigstore-json\n".as_slice(), &json::to_canonical("signature", &text)?].concat())
}
