//! Images on disk, and the choice of the right reader or writer by a reference's transport.

mod docker_archive;
mod docker_dir;
mod fs;
mod layout;
mod oci_archive;
mod oci_dir;
mod tar_read;
mod tar_write;
mod unpack;

use std::path::Path;

pub use docker_archive::{DockerArchiveSink, DockerArchiveSource};
pub use docker_dir::{DockerDirSink, DockerDirSource};
pub use oci_archive::{OciArchiveSink, OciArchiveSource};
pub use oci_dir::{OciDirSink, OciDirSource};

use crate::error::ImageError;
use crate::reference::{ImageReference, Transport};
use crate::source::{ImageSink, ImageSource};

/// Opens the image that a reference to a file or directory names.
///
/// # Errors
/// [`ImageError::Unsupported`] for the transports that are not files or directories of one image, and what opening gives.
pub fn open_source(reference: &ImageReference) -> Result<Box<dyn ImageSource>, ImageError> {
    let (path, tag) = reference.path_and_tag();
    let path = Path::new(path);
    Ok(match reference.transport {
        Transport::OciDir => Box::new(OciDirSource::open(path, tag)?),
        Transport::OciArchive => Box::new(OciArchiveSource::open(path, tag)?),
        Transport::Dir => Box::new(DockerDirSource::open(Path::new(&reference.name))?),
        Transport::DockerArchive => Box::new(DockerArchiveSource::open(path, tag)?),
        Transport::Registry | Transport::ContainersStorage | Transport::DockerDaemon => {
            return Err(not_on_disk(reference, false));
        }
    })
}

/// Starts an image at the place that a reference to a file or directory names. Nothing is seen there under that name
/// before [`ImageSink::finish`].
///
/// # Errors
/// As [`open_source`].
pub fn create_sink(reference: &ImageReference) -> Result<Box<dyn ImageSink>, ImageError> {
    let (path, tag) = reference.path_and_tag();
    let path = Path::new(path);
    Ok(match reference.transport {
        Transport::OciDir => Box::new(OciDirSink::create(path, tag)?),
        Transport::OciArchive => Box::new(OciArchiveSink::create(path, tag)?),
        Transport::Dir => Box::new(DockerDirSink::create(Path::new(&reference.name))?),
        Transport::DockerArchive => Box::new(DockerArchiveSink::create(path, tag)?),
        Transport::Registry | Transport::ContainersStorage | Transport::DockerDaemon => {
            return Err(not_on_disk(reference, true));
        }
    })
}

/// Why an image cannot be read from, or written to, a place that is no file and no directory of one image.
fn not_on_disk(reference: &ImageReference, writing: bool) -> ImageError {
    let why = match (reference.transport, writing) {
        (Transport::DockerDaemon, false) => {
            ": a Docker engine hands out images only in the form of `docker save`, whose file is read as docker-archive:PATH"
        }
        (Transport::DockerDaemon, true) => {
            ": a Docker engine takes images in the form of `docker load`, whose file is written as docker-archive:PATH"
        }
        (Transport::ContainersStorage, true) => {
            ": the storage belongs to podman and its relatives, which load an image from oci:PATH or oci-archive:PATH"
        }
        _ => "",
    };
    let feature = format!("transport {} here{why}", reference.transport.prefix().trim_end_matches([':', '/']));
    ImageError::Unsupported { what: reference.to_string(), feature }
}
