//! Which blobs the repository is known not to have, and asking for those nobody has asked for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oci_image::{Descriptor, Digest};

use crate::error::{Place, RegistryError};
use crate::exchange::Session;
use crate::upload::{Upload, is_there};

/// What the repository said of the blobs of one push.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    /// Blobs that it does not have, each with the upload that a refused mount left open.
    absent: Mutex<BTreeMap<Digest, Option<Upload>>>,
    /// Whether it had the blob it was asked for last.
    had_last: AtomicBool,
}

impl Presence {
    /// Notes that a blob is not there. Gives back an upload that was noted for it before.
    pub(crate) fn note(&self, digest: &Digest, upload: Option<Upload>) -> Option<Upload> {
        self.absent().insert(digest.clone(), upload).flatten()
    }

    /// The upload that was noted for a blob, for the one who writes it.
    pub(crate) fn upload(&self, digest: &Digest) -> Option<Upload> {
        self.absent().remove(digest).flatten()
    }

    /// The uploads that nobody came for.
    pub(crate) fn left(&self) -> Vec<Upload> {
        std::mem::take(&mut *self.absent()).into_values().flatten().collect()
    }

    /// An upload for a blob, unless the repository has it. A push to a new repository is not to wait for answers that are
    /// all the same, so it is asked while the upload is being opened; where it had the last one, beforehand.
    pub(crate) async fn open(
        &self,
        session: &Arc<Session>,
        descriptor: &Descriptor,
        place: &Arc<Place>,
    ) -> Result<Option<Upload>, RegistryError> {
        let noted = self.absent().remove(&descriptor.digest);
        if let Some(opened) = noted {
            return match opened {
                Some(upload) => Ok(Some(upload)),
                None => Upload::begin(session, place).await.map(Some),
            };
        }
        if self.had_last.load(Ordering::Relaxed) {
            return match self.ask(session, descriptor).await? {
                true => Ok(None),
                false => Upload::begin(session, place).await.map(Some),
            };
        }
        let (there, upload) = tokio::join!(self.ask(session, descriptor), Upload::begin(session, place));
        let upload = upload?;
        match there {
            Ok(false) => Ok(Some(upload)),
            there => {
                upload.cancel().await;
                there.map(|_| None)
            }
        }
    }

    async fn ask(&self, session: &Session, descriptor: &Descriptor) -> Result<bool, RegistryError> {
        let there = is_there(session, descriptor).await?;
        self.had_last.store(there, Ordering::Relaxed);
        Ok(there)
    }

    fn absent(&self) -> MutexGuard<'_, BTreeMap<Digest, Option<Upload>>> {
        self.absent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
