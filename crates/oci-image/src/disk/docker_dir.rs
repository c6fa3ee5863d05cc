//! Plain image directories as skopeo writes them: `dir:PATH`, one image, every file beside the other.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Mutex;

use crate::blob::read_small;
use crate::descriptor::Descriptor;
use crate::digest::{Algorithm, Digest};
use crate::error::ImageError;
use crate::limits::MAX_MANIFEST;
use crate::source::{BlobWriter, ImageSink, ImageSource, RawManifest};

use super::fs::Dir;
use super::oci_dir::FileBlob;

/// The top document.
const MANIFEST: &str = "manifest.json";
/// The file that marks such a directory, and its content.
const VERSION: &str = "version";
const VERSION_CONTENT: &[u8] = b"Directory Transport Version: 1.1\n";

/// The image in a plain directory, to be read.
#[derive(Debug)]
pub struct DockerDirSource {
    dir: Dir,
}

impl DockerDirSource {
    /// Opens the directory.
    ///
    /// # Errors
    /// [`ImageError::Io`].
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        Ok(Self { dir: Dir::open(path)? })
    }

    fn open_file(&self, name: &str, what: impl FnOnce() -> String) -> Result<File, ImageError> {
        let file = self.dir.open_file(name)?;
        file.ok_or_else(|| ImageError::NotFound { what: what(), place: self.dir.path().display().to_string() })
    }
}

/// A blob's file name. The directory has no place for the algorithm's name, which only SHA-256 goes without.
fn blob_name(digest: &Digest) -> String {
    match digest.algorithm() {
        Algorithm::Sha256 => digest.hex().to_owned(),
        other => format!("{}-{}", other.name(), digest.hex()),
    }
}

fn manifest_name(digest: &Digest) -> String {
    format!("{}.manifest.json", blob_name(digest))
}

impl ImageSource for DockerDirSource {
    fn name(&self) -> String {
        format!("dir:{}", self.dir.path().display())
    }

    fn manifest(&self) -> Result<RawManifest, ImageError> {
        let bytes = self.dir.read_small(MANIFEST, MAX_MANIFEST)?.ok_or_else(|| ImageError::NotFound {
            what: format!("file {MANIFEST}"),
            place: self.dir.path().display().to_string(),
        })?;
        RawManifest::from_bytes(bytes, None)
    }

    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError> {
        let what = format!("manifest {}", descriptor.digest);
        let file = self.open_file(&manifest_name(&descriptor.digest), || what.clone())?;
        RawManifest::verified(read_small(file, descriptor, &what, MAX_MANIFEST)?, descriptor)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
        let file = self.open_file(&blob_name(&descriptor.digest), || format!("blob {}", descriptor.digest))?;
        Ok(Box::new(file))
    }
}

/// An image to be written into a plain directory, in place of the one that is there.
#[derive(Debug)]
pub struct DockerDirSink {
    dir: Dir,
    /// The files of the new image.
    kept: Mutex<BTreeSet<String>>,
}

impl DockerDirSink {
    /// Opens the directory or makes it; its parent must exist. One that holds anything must be marked as an image's.
    ///
    /// # Errors
    /// [`ImageError::Io`], and [`ImageError::Invalid`] for a directory of other things.
    pub fn create(path: &Path) -> Result<Self, ImageError> {
        let dir = Dir::create(path)?;
        let marked =
            dir.read_small(VERSION, 4096)?.is_some_and(|mark| mark.starts_with(b"Directory Transport Version:"));
        if !marked && !dir.names()?.is_empty() {
            let reason = "not empty and not an image directory".to_owned();
            return Err(ImageError::Invalid { what: path.display().to_string(), reason });
        }
        dir.write_file(VERSION, VERSION_CONTENT)?;
        Ok(Self { dir, kept: Mutex::new(BTreeSet::new()) })
    }

    fn keep(&self, name: String) {
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(name);
    }

    /// Removes what an earlier image left: only names this layout gives out.
    fn remove_old(&self, manifest: &RawManifest) -> Result<(), ImageError> {
        let kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Of an index's images only the top document was seen here; what its members need is known to the caller alone.
        let blobs = crate::manifest::Manifest::parse(&manifest.bytes).ok().filter(|_| kept.is_empty());
        let Some(image) = blobs else { return Ok(()) };
        let wanted: BTreeSet<String> =
            image.layers.iter().chain([&image.config]).map(|descriptor| blob_name(&descriptor.digest)).collect();
        for name in self.dir.names()? {
            if is_ours(&name) && !wanted.contains(&name) {
                self.dir.remove(&name)?;
            }
        }
        Ok(())
    }
}

/// Whether a file name is one of a blob, of an index's member, or of a signature.
fn is_ours(name: &str) -> bool {
    let stem = name.strip_suffix(".manifest.json").unwrap_or(name);
    let hex = stem.len() == Algorithm::Sha256.hex_len() && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex || (name.starts_with("signature-") && !name.contains('/'))
}

impl ImageSink for DockerDirSink {
    fn name(&self) -> String {
        format!("dir:{}", self.dir.path().display())
    }

    fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, ImageError> {
        Ok(self.dir.size_of(&blob_name(&descriptor.digest))? == Some(descriptor.size))
    }

    fn start_blob(&self, _known: Option<&Descriptor>) -> Result<Box<dyn BlobWriter>, ImageError> {
        let staged = self.dir.stage("")?;
        Ok(Box::new(FileBlob {
            file: staged.file().clone(),
            staged,
            dir: self.dir.clone(),
            count: 0,
            name_of: blob_name,
        }))
    }

    fn put_manifest(&self, manifest: &RawManifest) -> Result<(), ImageError> {
        let name = manifest_name(&manifest.digest);
        self.dir.write_file(&name, &manifest.bytes)?;
        self.keep(name);
        Ok(())
    }

    fn finish(&self, manifest: &RawManifest) -> Result<Digest, ImageError> {
        self.dir.write_file(MANIFEST, &manifest.bytes)?;
        self.remove_old(manifest)?;
        self.dir.sync("")?;
        Ok(manifest.digest.clone())
    }
}
