//! Bringing the content of an archive's files into the store: small ones through the queue, large ones at once.

use std::io::Read;

use ostree_core::{FileHeader, FileId, WriteObject};

use super::sparse::{self, Expanded};
use super::writers::{Job, Origin, Queue, Stopped};
use crate::entry::Entries;
use crate::error::TarError;
use crate::limits::SMALL_FILE_SIZE;

/// Why reading ends early.
pub(crate) enum Halt {
    Error(TarError),
    /// A writer has failed, and says why.
    Stopped,
}

impl From<Stopped> for Halt {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<TarError> for Halt {
    fn from(error: TarError) -> Self {
        Self::Error(error)
    }
}

/// Writes the content of the current entry as the file `slot`, or has it written.
pub(crate) fn regular<R: Read>(
    queue: &mut Queue<'_>,
    entries: &mut Entries<R>,
    slot: usize,
    header: FileHeader,
    origin: Origin,
) -> Result<(), Halt> {
    if entries.entry().sparse || entries.entry().size > SMALL_FILE_SIZE {
        let id = stream(queue.store(), &header, entries, &origin)?;
        queue.written(slot, id);
    } else {
        let mut bytes = Vec::new();
        entries.read_content(&mut bytes)?;
        queue.push(Job { slot, header, bytes, origin })?;
    }
    Ok(())
}

fn stream<R: Read>(
    store: &dyn WriteObject,
    header: &FileHeader,
    entries: &mut Entries<R>,
    origin: &Origin,
) -> Result<FileId, TarError> {
    let (size, stored, sparse) = (entries.entry().real_size, entries.entry().size, entries.entry().sparse);
    let pieces = if sparse { entries.entry().pieces.clone() } else { vec![(0, size)] };
    sparse::check(&pieces, size, stored).map_err(|reason| origin.clone().refuse(reason))?;
    let mut content = Expanded::new(entries.content(), &pieces, size);
    let written = store.write_file(header, size, &mut content, None);
    // A stream that breaks off is the cause, whatever the store made of it.
    match content.into_inner().into_failure() {
        Some(failure) => Err(failure),
        None => written.map_err(|source| origin.clone().refuse(source)),
    }
}
