//! Tar archives of an OCI image directory: `oci-archive:PATH[:TAG]`, read and written without unpacking.

use std::io::{self, Read, Write};
use std::path::Path;

use crate::blob::read_small;
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::ImageError;
use crate::index::Index;
use crate::limits::{MAX_CONFIG, MAX_MANIFEST};
use crate::source::{BlobWriter, ImageSink, ImageSource, RawManifest};

use super::layout::{self, blob_path};
use super::tar_read::TarFile;
use super::tar_write::{TarEntry, TarWriter};

/// An image in an OCI archive, to be read.
#[derive(Debug)]
pub struct OciArchiveSource {
    archive: TarFile,
    tag: Option<String>,
}

impl OciArchiveSource {
    /// Opens the archive and reads its headers. Without a tag its only image is meant.
    ///
    /// # Errors
    /// [`ImageError::Io`], [`ImageError::Invalid`] for a bad tar, [`ImageError::Unsupported`] for a compressed one,
    /// [`ImageError::NotFound`] for an archive of other things.
    pub fn open(path: &Path, tag: Option<&str>) -> Result<Self, ImageError> {
        let archive = TarFile::open(path)?;
        let mark = archive.read_small(layout::MARK, layout::MARK_LIMIT)?;
        layout::check_mark(mark.as_deref(), &archive.place())?;
        Ok(Self { archive, tag: tag.map(str::to_owned) })
    }

    fn entry(&self, name: &str, what: String) -> Result<impl Read + Send + use<>, ImageError> {
        let entry = self.archive.open_entry(name)?;
        entry.ok_or_else(|| ImageError::NotFound { what, place: self.archive.place() })
    }
}

impl ImageSource for OciArchiveSource {
    fn name(&self) -> String {
        name(&self.archive.place(), self.tag.as_deref())
    }

    fn manifest(&self) -> Result<RawManifest, ImageError> {
        let bytes = self
            .archive
            .read_small(layout::INDEX, MAX_MANIFEST)?
            .ok_or_else(|| ImageError::NotFound { what: "file index.json".to_owned(), place: self.archive.place() })?;
        let index = Index::parse(&bytes)?;
        self.manifest_at(layout::choose_entry(&index, self.tag.as_deref(), &self.archive.place())?)
    }

    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError> {
        let what = format!("manifest {}", descriptor.digest);
        let entry = self.entry(&blob_path(&descriptor.digest), what.clone())?;
        RawManifest::verified(read_small(entry, descriptor, &what, MAX_MANIFEST)?, descriptor)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
        let what = format!("blob {}", descriptor.digest);
        Ok(Box::new(self.entry(&blob_path(&descriptor.digest), what)?))
    }
}

fn name(path: &str, tag: Option<&str>) -> String {
    let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
    format!("oci-archive:{path}{tag}")
}

/// An image to be written as an OCI archive, which takes the place of a file of that name.
#[derive(Debug)]
pub struct OciArchiveSink {
    archive: TarWriter,
    tag: Option<String>,
}

impl OciArchiveSink {
    /// Starts the archive beside its final place.
    ///
    /// # Errors
    /// [`ImageError::Io`], and [`ImageError::Invalid`] when something that is no file stands in its place.
    pub fn create(path: &Path, tag: Option<&str>) -> Result<Self, ImageError> {
        let archive = TarWriter::create(path)?;
        archive.add(layout::MARK, layout::MARK_CONTENT)?;
        archive.add_dir("blobs/")?;
        archive.add_dir("blobs/sha256/")?;
        Ok(Self { archive, tag: tag.map(str::to_owned) })
    }
}

impl ImageSink for OciArchiveSink {
    fn name(&self) -> String {
        name(&self.archive.target().display().to_string(), self.tag.as_deref())
    }

    fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, ImageError> {
        Ok(self.archive.contains(&blob_path(&descriptor.digest)))
    }

    fn start_blob(&self, _known: Option<&Descriptor>) -> Result<Box<dyn BlobWriter>, ImageError> {
        Ok(Box::new(ArchiveBlob(self.archive.begin()?)))
    }

    fn put_manifest(&self, manifest: &RawManifest) -> Result<(), ImageError> {
        self.archive.add(&blob_path(&manifest.digest), &manifest.bytes)
    }

    fn finish(&self, manifest: &RawManifest) -> Result<Digest, ImageError> {
        self.put_manifest(manifest)?;
        let config = |config: &Descriptor| self.archive.read_small(&blob_path(&config.digest), MAX_CONFIG);
        let entry = layout::entry_of(manifest, self.tag.as_deref(), config)?;
        self.archive.add(layout::INDEX, &layout::place_entry(None, entry).to_raw()?.bytes)?;
        self.archive.finish()?;
        Ok(manifest.digest.clone())
    }
}

/// A blob on its way into the archive.
struct ArchiveBlob(TarEntry);

impl Write for ArchiveBlob {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlobWriter for ArchiveBlob {
    fn commit(self: Box<Self>, descriptor: &Descriptor) -> Result<(), ImageError> {
        if self.0.written() != descriptor.size {
            let (what, actual) = (format!("blob {}", descriptor.digest), self.0.written());
            return Err(ImageError::SizeMismatch { what, expected: descriptor.size, actual });
        }
        self.0.commit(&blob_path(&descriptor.digest))
    }
}
