//! What the writers of blobs share.

use std::io;
use std::sync::Arc;

use oci_image::{Descriptor, ImageError};

use crate::behind::Behind;
use crate::error::{Place, RegistryError};
use crate::exchange::Session;
use crate::pace::Quota;
use crate::pieces::Pieces;
use crate::presence::Presence;
use crate::runtime::Runtime;

/// What every writer needs.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) session: Arc<Session>,
    pub(crate) place: Arc<Place>,
    pub(crate) quota: Arc<Quota>,
    pub(crate) behind: Arc<Behind>,
    pub(crate) pieces: Pieces,
    pub(crate) presence: Arc<Presence>,
}

/// Checks that a writer got as many bytes as it is told in the end.
pub(crate) fn check_size(place: &Arc<Place>, written: u64, descriptor: &Descriptor) -> Result<(), RegistryError> {
    if written != descriptor.size {
        let expected = descriptor.size;
        return Err(RegistryError::SizeMismatch { place: Arc::clone(place), expected, actual: written });
    }
    Ok(())
}

/// Lets an error through `Write`.
pub(crate) fn to_io(error: RegistryError) -> io::Error {
    io::Error::other(ImageError::from(error))
}

/// What a writer says that has failed before.
pub(crate) fn lost() -> io::Error {
    io::Error::other("the upload has already failed")
}
