//! Archives as `docker save` writes them: `docker-archive:PATH[:NAME]`.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::config::ImageConfig;
use crate::descriptor::Descriptor;
use crate::digest::{Algorithm, Digest, DigestHasher};
use crate::error::ImageError;
use crate::index::list;
use crate::json::{self, null_as_default};
use crate::layer::read::compression_by_magic;
use crate::limits::{MAX_CONFIG, MAX_LAYERS, MAX_MANIFEST};
use crate::manifest::Manifest;
use crate::media_type::{self, LayerCompression};
use crate::named::Named;
use crate::source::{BlobWriter, ImageSink, ImageSource, RawManifest};

use super::tar_read::{Section, TarFile};
use super::tar_write::{TarEntry, TarWriter};
use super::unpack::Unpack;

/// The list of images.
const MANIFEST: &str = "manifest.json";

/// One image of the list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    /// The configuration's file.
    config: String,
    /// The image's names.
    #[serde(default, deserialize_with = "null_as_default")]
    repo_tags: Vec<String>,
    /// The layers' files, the lowest first.
    #[serde(default, deserialize_with = "null_as_default")]
    layers: Vec<String>,
}

/// An image in a `docker save` archive, to be read. It has no manifest of its own; one is made from what is there.
#[derive(Debug)]
pub struct DockerArchiveSource {
    archive: TarFile,
    tag: Option<String>,
    manifest: RawManifest,
    /// The file of each blob.
    files: BTreeMap<Digest, String>,
}

impl DockerArchiveSource {
    /// Opens the archive, finds the image of that name (`NAME[:TAG]`, or `@N` for the image at position N; the only one
    /// when no name is given) and hashes what the archive does not name by digest.
    ///
    /// # Errors
    /// [`ImageError::Io`], [`ImageError::Invalid`] for a bad archive, [`ImageError::NotFound`] for a name that is not
    /// there, [`ImageError::Unsupported`] for a compressed archive.
    pub fn open(path: &Path, tag: Option<&str>) -> Result<Self, ImageError> {
        let archive = TarFile::open(path)?;
        let list = archive.read_small(MANIFEST, MAX_MANIFEST)?.ok_or_else(|| missing(&archive, MANIFEST))?;
        let images: Vec<Image> = json::from_slice(&format!("{MANIFEST} of {}", archive.place()), &list, MAX_MANIFEST)?;
        let image = choose(&images, tag, &archive.place())?;
        let (manifest, files) = describe(&archive, image)?;
        Ok(Self { archive, tag: tag.map(str::to_owned), manifest: manifest.to_raw()?, files })
    }
}

fn missing(archive: &TarFile, what: &str) -> ImageError {
    ImageError::NotFound { what: format!("file {what}"), place: archive.place() }
}

fn choose<'a>(images: &'a [Image], tag: Option<&str>, place: &str) -> Result<&'a Image, ImageError> {
    let found = match (tag, images) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(tag), _) => match tag.strip_prefix('@').map(str::parse::<usize>) {
            Some(Ok(position)) => images.get(position),
            _ => images.iter().find(|image| image.repo_tags.iter().any(|name| full_name(name) == full_name(tag))),
        },
    };
    found.ok_or_else(|| {
        let names: Vec<String> = images.iter().flat_map(|image| image.repo_tags.clone()).take(20).collect();
        match tag {
            Some(tag) => ImageError::NotFound {
                what: format!("image {tag:?}"),
                place: format!("{place}, which has {}", list(&names)),
            },
            None => {
                let reason = format!("{} images are here, so one must be named, of {}", images.len(), list(&names));
                ImageError::Invalid { what: place.to_owned(), reason }
            }
        }
    })
}

/// The name as Docker completes it: with its registry, its library and its tag. What is no name stays as it is.
fn full_name(name: &str) -> String {
    Named::parse(name).map_or_else(|_| name.to_owned(), |named| named.or_latest().to_string())
}

/// Makes the manifest of an image and notes where its blobs are.
fn describe(archive: &TarFile, image: &Image) -> Result<(Manifest, BTreeMap<Digest, String>), ImageError> {
    let bytes = archive.read_small(&image.config, MAX_CONFIG)?.ok_or_else(|| missing(archive, &image.config))?;
    let config = ImageConfig::parse(&bytes)?;
    let (layers, diff_ids) = (image.layers.len(), config.rootfs.diff_ids.len());
    if layers != diff_ids || layers > MAX_LAYERS {
        let reason = format!("{diff_ids} uncompressed digests for {layers} layers");
        return Err(ImageError::Invalid { what: archive.place(), reason });
    }
    let digest = Digest::sha256(&bytes);
    let mut files = BTreeMap::from([(digest.clone(), image.config.clone())]);
    let config_descriptor = Descriptor::new(media_type::DOCKER_CONFIG, digest, bytes.len() as u64);
    let mut descriptors = Vec::with_capacity(layers);
    for (name, diff_id) in image.layers.iter().zip(&config.rootfs.diff_ids) {
        let section = archive.open_entry(name)?.ok_or_else(|| missing(archive, name))?;
        let descriptor = describe_layer(section, diff_id)
            .map_err(|error| ImageError::from_stream("reading", &format!("{name} of {}", archive.place()), error))?;
        files.insert(descriptor.digest.clone(), name.clone());
        descriptors.push(descriptor);
    }
    let mut manifest = Manifest::new(config_descriptor, descriptors);
    manifest.media_type = Some(media_type::DOCKER_MANIFEST.to_owned());
    Ok((manifest, files))
}

/// An uncompressed layer is named by its diff-id; a compressed one is hashed.
fn describe_layer(mut section: Section, diff_id: &Digest) -> io::Result<Descriptor> {
    let size = section.len();
    let mut buffer = vec![0; 128 * 1024];
    let mut got = section.read(&mut buffer)?;
    let media_type = match compression_by_magic(buffer.get(..got).unwrap_or_default()) {
        None => return Ok(Descriptor::new(media_type::DOCKER_LAYER, diff_id.clone(), size)),
        Some(LayerCompression::Zstd) => media_type::DOCKER_LAYER_ZSTD,
        Some(_) => media_type::DOCKER_LAYER_GZIP,
    };
    let mut hasher = DigestHasher::new(Algorithm::Sha256);
    while got > 0 {
        hasher.update(buffer.get(..got).unwrap_or_default());
        got = section.read(&mut buffer)?;
    }
    Ok(Descriptor::new(media_type, hasher.finish(), size))
}

impl ImageSource for DockerArchiveSource {
    fn name(&self) -> String {
        name(&self.archive.place(), self.tag.as_deref())
    }

    fn manifest(&self) -> Result<RawManifest, ImageError> {
        Ok(self.manifest.clone())
    }

    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError> {
        let what = format!("manifest {}", descriptor.digest);
        Err(ImageError::NotFound { what, place: self.archive.place() })
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
        let file = self.files.get(&descriptor.digest).ok_or_else(|| ImageError::NotFound {
            what: format!("blob {}", descriptor.digest),
            place: self.archive.place(),
        })?;
        Ok(Box::new(self.archive.open_entry(file)?.ok_or_else(|| missing(&self.archive, file))?))
    }
}

fn name(path: &str, tag: Option<&str>) -> String {
    let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
    format!("docker-archive:{path}{tag}")
}

/// An image to be written as `docker save` does. Layers are stored uncompressed, as `docker load` expects them.
#[derive(Debug)]
pub struct DockerArchiveSink {
    archive: TarWriter,
    tag: Option<String>,
    /// The file of each blob that was written.
    files: Arc<Mutex<BTreeMap<Digest, String>>>,
}

impl DockerArchiveSink {
    /// Starts the archive beside its final place, where nothing (or an empty file) may be.
    ///
    /// # Errors
    /// [`ImageError::Io`], [`ImageError::Invalid`] when there is an archive already.
    pub fn create(path: &Path, tag: Option<&str>) -> Result<Self, ImageError> {
        if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0) {
            let reason = "docker-archive doesn't support modifying existing images".to_owned();
            return Err(ImageError::Invalid { what: path.display().to_string(), reason });
        }
        Ok(Self { archive: TarWriter::create(path)?, tag: tag.map(str::to_owned), files: Arc::default() })
    }

    fn file_of(&self, descriptor: &Descriptor) -> Result<String, ImageError> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(&descriptor.digest).cloned().ok_or_else(|| ImageError::NotFound {
            what: format!("blob {}", descriptor.digest),
            place: ImageSink::name(self),
        })
    }
}

impl ImageSink for DockerArchiveSink {
    fn name(&self) -> String {
        name(&self.archive.target().display().to_string(), self.tag.as_deref())
    }

    fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, ImageError> {
        Ok(self.files.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&descriptor.digest))
    }

    fn start_blob(&self, _known: Option<&Descriptor>) -> Result<Box<dyn BlobWriter>, ImageError> {
        let writer = Unpack::new(self.archive.begin()?);
        Ok(Box::new(DockerBlob { writer, count: 0, files: self.files.clone() }))
    }

    fn put_manifest(&self, _manifest: &RawManifest) -> Result<(), ImageError> {
        let feature = "image index (choose one platform)".to_owned();
        Err(ImageError::Unsupported { what: ImageSink::name(self), feature })
    }

    fn finish(&self, manifest: &RawManifest) -> Result<Digest, ImageError> {
        let image = Manifest::parse(&manifest.bytes)?;
        let layers: Result<Vec<String>, ImageError> = image.layers.iter().map(|layer| self.file_of(layer)).collect();
        let entry = Image {
            config: self.file_of(&image.config)?,
            repo_tags: self.tag.iter().map(|tag| full_name(tag)).collect(),
            layers: layers?,
        };
        self.archive.add(MANIFEST, &json::to_canonical(MANIFEST, &[entry])?)?;
        self.archive.finish()?;
        Ok(manifest.digest.clone())
    }
}

/// A blob on its way into the archive, decompressed where it is compressed.
struct DockerBlob {
    writer: Unpack<TarEntry>,
    /// The stored bytes that came.
    count: u64,
    files: Arc<Mutex<BTreeMap<Digest, String>>>,
}

impl Write for DockerBlob {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.writer.write(bytes)?;
        self.count += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlobWriter for DockerBlob {
    fn commit(self: Box<Self>, descriptor: &Descriptor) -> Result<(), ImageError> {
        let what = format!("blob {}", descriptor.digest);
        if self.count != descriptor.size {
            return Err(ImageError::SizeMismatch { what, expected: descriptor.size, actual: self.count });
        }
        let (entry, content) =
            self.writer.finish().map_err(|error| ImageError::from_stream("decompressing", &what, error))?;
        let suffix = if media_type::is_config(&descriptor.media_type) { "json" } else { "tar" };
        let name = format!("{}.{suffix}", content.hex());
        entry.commit(&name)?;
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(descriptor.digest.clone(), name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed() {
        let cases = [
            ("x", "docker.io/library/x:latest"),
            ("a/b:1", "docker.io/a/b:1"),
            ("localhost/x", "localhost/x:latest"),
            ("h:5000/x:t", "h:5000/x:t"),
        ];
        for (name, expected) in cases {
            assert_eq!(full_name(name), expected);
        }
    }
}
