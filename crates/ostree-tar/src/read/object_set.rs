//! Streams of file objects alone: the further layers of an image.

use std::collections::BTreeSet;
use std::io::Read;

use ostree_core::{FileId, ObjectKind, ObjectName, WriteObject};

use super::state::{Halt, ImportStats, Reader};
use super::writers::Writers;
use crate::entry::Entries;
use crate::error::{Reason, TarError};
use crate::path::Place;

/// Reads a stream of file objects into a store, with `writers` threads beside the reading one. Gives the ids of all of
/// them, those that the store had before included; whether they belong to a commit is for the caller to check, because the
/// commit stands in another layer. A stream with files of another kind, as ordinary layers have them, is refused: they would be lost.
pub fn import_object_set(
    stream: impl Read,
    store: &dyn WriteObject,
    writers: usize,
) -> Result<(BTreeSet<FileId>, ImportStats), TarError> {
    Writers::run(store, writers, |writers| {
        let mut reader = Reader::new(Entries::new(stream), store, writers).only_objects();
        let mut files = BTreeSet::new();
        match read_all(&mut reader, &mut files) {
            // The writers hold the error.
            Ok(()) | Err(Halt::Stopped) => Ok((files, reader.stats)),
            Err(Halt::Failed(error)) => Err(*error),
        }
    })
}

fn read_all<R: Read>(reader: &mut Reader<'_, '_, R>, files: &mut BTreeSet<FileId>) -> Result<(), Halt> {
    while let Some(place) = reader.next_place()? {
        match place {
            Place::Xattrs(name) => reader.keep_xattrs(name)?,
            Place::XattrsLink { file, v0 } => reader.expect_xattrs(file, v0)?,
            Place::File(id) => {
                if !files.insert(id) {
                    return Err(reader.refuse(Reason::Duplicate(id)).into());
                }
                reader.import_file(id)?;
            }
            Place::Commit(_) => return Err(reader.refuse(Reason::MultipleCommits).into()),
            Place::CommitMeta(commit) => {
                let name = ObjectName::new(ObjectKind::CommitMeta, *commit.checksum());
                return Err(reader.refuse(Reason::MetadataInObjectSet(name)).into());
            }
            Place::Metadata(name) => return Err(reader.refuse(Reason::MetadataInObjectSet(name)).into()),
            Place::Elsewhere => {}
        }
    }
    Ok(reader.finish()?)
}
