//! OCI image directories: `oci:PATH[:TAG]`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use crate::blob::read_small;
use crate::descriptor::Descriptor;
use crate::digest::{Algorithm, Digest};
use crate::error::ImageError;
use crate::index::Index;
use crate::limits::{MAX_CONFIG, MAX_MANIFEST};
use crate::source::{BlobWriter, ImageSink, ImageSource, RawManifest};

use super::fs::{Dir, Staged};
use super::layout::{self, blob_path};

/// An image in an OCI image directory, to be read.
#[derive(Debug)]
pub struct OciDirSource {
    dir: Dir,
    tag: Option<String>,
}

impl OciDirSource {
    /// Opens the directory. Without a tag its only image is meant.
    ///
    /// # Errors
    /// [`ImageError::Io`] and [`ImageError::NotFound`] for what is no such directory.
    pub fn open(path: &Path, tag: Option<&str>) -> Result<Self, ImageError> {
        let dir = Dir::open(path)?;
        let mark = dir.read_small(layout::MARK, layout::MARK_LIMIT)?;
        layout::check_mark(mark.as_deref(), &dir.path().display().to_string())?;
        Ok(Self { dir, tag: tag.map(str::to_owned) })
    }

    /// The list of images in the directory.
    ///
    /// # Errors
    /// [`ImageError::NotFound`] without `index.json`, [`ImageError::Invalid`] for a bad one.
    pub fn index(&self) -> Result<Index, ImageError> {
        read_index(&self.dir)?.ok_or_else(|| self.not_found("file index.json".to_owned()))
    }

    fn not_found(&self, what: String) -> ImageError {
        ImageError::NotFound { what, place: self.dir.path().display().to_string() }
    }

    fn open_blob(&self, descriptor: &Descriptor) -> Result<File, ImageError> {
        let file = self.dir.open_file(&blob_path(&descriptor.digest))?;
        file.ok_or_else(|| self.not_found(format!("blob {}", descriptor.digest)))
    }
}

fn read_index(dir: &Dir) -> Result<Option<Index>, ImageError> {
    dir.read_small(layout::INDEX, MAX_MANIFEST)?.map(|bytes| Index::parse(&bytes)).transpose()
}

fn name(dir: &Dir, tag: Option<&str>) -> String {
    let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
    format!("oci:{}{tag}", dir.path().display())
}

impl ImageSource for OciDirSource {
    fn name(&self) -> String {
        name(&self.dir, self.tag.as_deref())
    }

    fn manifest(&self) -> Result<RawManifest, ImageError> {
        let index = self.index()?;
        let place = self.dir.path().display().to_string();
        self.manifest_at(layout::choose_entry(&index, self.tag.as_deref(), &place)?)
    }

    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError> {
        let what = format!("manifest {}", descriptor.digest);
        RawManifest::verified(read_small(self.open_blob(descriptor)?, descriptor, &what, MAX_MANIFEST)?, descriptor)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
        Ok(Box::new(self.open_blob(descriptor)?))
    }
}

/// An image to be written into an OCI image directory.
///
/// With a tag the image is put beside those already there, in place of one of the same name; without one it becomes the
/// only image. Blobs of images that are no longer named stay.
#[derive(Debug)]
pub struct OciDirSink {
    dir: Dir,
    tag: Option<String>,
}

impl OciDirSink {
    /// Opens the directory or makes it; its parent must exist.
    ///
    /// # Errors
    /// [`ImageError::Io`].
    pub fn create(path: &Path, tag: Option<&str>) -> Result<Self, ImageError> {
        let dir = Dir::create(path)?;
        dir.make_dir("blobs")?;
        dir.make_dir("blobs/sha256")?;
        Ok(Self { dir, tag: tag.map(str::to_owned) })
    }

    fn write_document(&self, manifest: &RawManifest) -> Result<(), ImageError> {
        if manifest.digest.algorithm() != Algorithm::Sha256 {
            self.dir.make_dir(&format!("blobs/{}", manifest.digest.algorithm().name()))?;
        }
        self.dir.write_file(&blob_path(&manifest.digest), &manifest.bytes)
    }

    fn stored_config(&self, descriptor: &Descriptor) -> Option<Vec<u8>> {
        self.dir.read_small(&blob_path(&descriptor.digest), MAX_CONFIG).ok().flatten()
    }
}

impl ImageSink for OciDirSink {
    fn name(&self) -> String {
        name(&self.dir, self.tag.as_deref())
    }

    fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, ImageError> {
        Ok(self.dir.size_of(&blob_path(&descriptor.digest))? == Some(descriptor.size))
    }

    fn start_blob(&self, _known: Option<&Descriptor>) -> Result<Box<dyn BlobWriter>, ImageError> {
        let staged = self.dir.stage("blobs/sha256")?;
        Ok(Box::new(FileBlob {
            file: staged.file().clone(),
            staged,
            dir: self.dir.clone(),
            count: 0,
            name_of: blob_path,
        }))
    }

    fn put_manifest(&self, manifest: &RawManifest) -> Result<(), ImageError> {
        self.write_document(manifest)
    }

    fn finish(&self, manifest: &RawManifest) -> Result<Digest, ImageError> {
        self.write_document(manifest)?;
        self.dir.sync("blobs/sha256")?;
        let entry = layout::entry_of(manifest, self.tag.as_deref(), |config| self.stored_config(config))?;
        let _lock = self.dir.lock()?;
        if self.dir.open_file(layout::MARK)?.is_none() {
            self.dir.write_file(layout::MARK, layout::MARK_CONTENT)?;
        }
        let existing = if self.tag.is_some() { read_index(&self.dir)? } else { None };
        let index = layout::place_entry(existing, entry).to_raw()?;
        self.dir.write_file(layout::INDEX, &index.bytes)?;
        self.dir.sync("")?;
        Ok(manifest.digest.clone())
    }
}

/// A blob on its way into a file of its own.
pub(super) struct FileBlob {
    pub(super) file: Arc<File>,
    pub(super) staged: Staged,
    pub(super) dir: Dir,
    pub(super) count: u64,
    /// The file's name by the blob's digest.
    pub(super) name_of: fn(&Digest) -> String,
}

impl Write for FileBlob {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let place = |error| super::fs::io_error("writing a blob in", &self.staged.place(), error);
        let taken = (&*self.file).write(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => place(error).into_io(),
        })?;
        self.count += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlobWriter for FileBlob {
    fn commit(self: Box<Self>, descriptor: &Descriptor) -> Result<(), ImageError> {
        if self.count != descriptor.size {
            let what = format!("blob {}", descriptor.digest);
            return Err(ImageError::SizeMismatch { what, expected: descriptor.size, actual: self.count });
        }
        let name = (self.name_of)(&descriptor.digest);
        if let Some((parent, _)) = name.rsplit_once('/') {
            self.dir.make_dir(parent)?;
        }
        self.staged.persist(&name)
    }
}
