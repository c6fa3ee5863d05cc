//! Streams with a commit: verified before anything is written, then object by object.

use std::io::Read;

use ostree_core::{
    Checksum, Commit, CommitId, DirTree, FileId, Metadata, ObjectKind, ObjectName, StoreError, VerifyCommit,
    WriteObject,
};

use super::belong::Belonging;
use super::state::{Halt, ImportStats, Reader};
use super::writers::{Object, Writers};
use crate::entry::Entries;
use crate::error::{Reason, TarError};
use crate::path::Place;

/// Called with the commit of a stream once it is verified, before the first write.
pub type OnCommit<'a> = &'a dyn Fn(&CommitId) -> Result<(), StoreError>;

/// How a stream with a commit is read.
#[derive(Clone, Copy)]
pub struct ImportOptions<'a> {
    /// Who must vouch for the commit; `None` takes any.
    pub verify: Option<&'a dyn VerifyCommit>,
    /// Called with the id of the verified commit before the first write: the place to mark it as partial.
    pub on_commit: Option<OnCommit<'a>>,
    /// How many threads write objects beside the one that reads the stream; 0 writes on the reading thread.
    pub writers: usize,
}

impl Default for ImportOptions<'_> {
    /// No verification, one writer thread.
    fn default() -> Self {
        Self { verify: None, on_commit: None, writers: 1 }
    }
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The commit.
    pub commit: CommitId,
    /// Whether detached metadata came with it.
    pub detached: bool,
    /// The files of the stream, those that the store had before included.
    pub files: Vec<FileId>,
    /// How much was read.
    pub stats: ImportStats,
}

/// Reads a stream with one commit into a store.
///
/// Every object is checked against its own name and must be named by the commit or by a directory before it. Whether the
/// commit is whole is not known from one stream, since its files may stand in others: see
/// [`check_complete`](super::check_complete). After an error the store may hold some objects; whoever made the transaction
/// drops it.
pub fn import(stream: impl Read, store: &dyn WriteObject, options: ImportOptions<'_>) -> Result<Imported, TarError> {
    Writers::run(store, options.writers, |writers| {
        let mut reader = Reader::new(Entries::new(stream), store, writers);
        let head = Head::read(&mut reader)?;
        head.accept(&reader, &options)?;
        let (commit, detached) = (head.id, head.detached.is_some());
        let mut files = Vec::new();
        match read_all(&mut reader, head, &mut files) {
            // The writers hold the error, if they stopped.
            Ok(()) | Err(Halt::Stopped) => Ok(Imported { commit, detached, files, stats: reader.stats }),
            Err(Halt::Failed(error)) => Err(*error),
        }
    })
}

/// The commit and what stands right behind it.
struct Head {
    id: CommitId,
    bytes: Vec<u8>,
    commit: Commit,
    /// Serialised and parsed.
    detached: Option<(Vec<u8>, Metadata)>,
    /// The entry behind the commit that is no detached metadata, not yet read.
    next: Option<Place>,
}

impl Head {
    fn read<R: Read>(reader: &mut Reader<'_, '_, R>) -> Result<Self, TarError> {
        let id = match reader.next_place()? {
            Some(Place::Commit(id)) => id,
            Some(_) => {
                let what = reader.entry().shown_path().rsplit('.').next().unwrap_or_default().to_owned();
                return Err(reader.refuse(Reason::NotCommit(what)));
            }
            None => return Err(TarError::NoCommit),
        };
        if !reader.entry().is_regular() {
            return Err(reader.refuse(Reason::CommitNotRegular(reader.entry().shown_kind())));
        }
        let mut bytes = Vec::new();
        reader.read_metadata(&mut bytes)?;
        let (expected, actual) = (*id.checksum(), Checksum::of(&bytes));
        if actual != expected {
            let kind = ObjectKind::Commit;
            return Err(reader.refuse(StoreError::ChecksumMismatch { kind, expected, actual }));
        }
        let commit = Commit::decode(&bytes).map_err(|source| reader.refuse(source))?;
        let mut head = Self { id, bytes, commit, detached: None, next: None };
        match reader.next_place()? {
            Some(Place::CommitMeta(found)) => head.detached = Some(read_detached(reader, id, found)?),
            Some(other) => head.next = Some(other),
            None => return Err(TarError::OnlyCommit),
        }
        Ok(head)
    }

    /// Has the commit verified and announced, then writes it.
    fn accept<R: Read>(&self, reader: &Reader<'_, '_, R>, options: &ImportOptions<'_>) -> Result<(), TarError> {
        let commit = self.id;
        if let Some(verifier) = options.verify {
            let detached = self.detached.as_ref().map(|(bytes, _)| bytes.as_slice());
            verifier
                .verify_commit(&commit, &self.bytes, detached)
                .map_err(|source| TarError::Verify { commit, source })?;
        }
        let failed = |source| TarError::Prepare { commit, source: Box::new(source) };
        if let Some(announce) = options.on_commit {
            announce(&commit).map_err(failed)?;
        }
        reader.store.write_metadata(ObjectKind::Commit, &self.bytes, Some(commit.checksum())).map_err(failed)?;
        if let Some((_, metadata)) = &self.detached {
            reader.store.write_detached(&commit, metadata).map_err(failed)?;
        }
        Ok(())
    }
}

fn read_detached<R: Read>(
    reader: &mut Reader<'_, '_, R>,
    commit: CommitId,
    found: CommitId,
) -> Result<(Vec<u8>, Metadata), TarError> {
    if found != commit {
        let (expected, found) = (*commit.checksum(), *found.checksum());
        return Err(reader.refuse(Reason::OtherCommitMeta { expected, found }));
    }
    let mut bytes = Vec::new();
    reader.read_metadata(&mut bytes)?;
    let metadata = Metadata::decode(&bytes).map_err(|source| reader.refuse(source))?;
    Ok((bytes, metadata))
}

fn read_all<R: Read>(reader: &mut Reader<'_, '_, R>, head: Head, files: &mut Vec<FileId>) -> Result<(), Halt> {
    let mut belonging = Belonging::new(head.id, &head.commit);
    reader.stats.metadata_objects += 1 + u64::from(head.detached.is_some());
    let mut next = head.next;
    loop {
        let place = match next.take() {
            Some(place) => place,
            None => match reader.next_place()? {
                Some(place) => place,
                None => return Ok(reader.finish()?),
            },
        };
        match place {
            Place::Xattrs(name) => reader.keep_xattrs(name)?,
            Place::XattrsLink { file, v0 } => reader.expect_xattrs(file, v0)?,
            Place::File(id) => {
                belonging.check(id.object()).map_err(|reason| reader.refuse(reason))?;
                files.push(id);
                reader.import_file(id)?;
            }
            Place::Metadata(name) => import_metadata(reader, &mut belonging, name)?,
            Place::Commit(_) => return Err(reader.refuse(Reason::MultipleCommits).into()),
            Place::CommitMeta(_) => {
                return Err(reader.refuse(Reason::MetadataType("commitmeta".to_owned())).into());
            }
            Place::Elsewhere => {}
        }
    }
}

/// Takes in a dirtree or dirmeta. A dirtree is read and checked here also if the store has it, because what it names
/// decides which objects belong.
fn import_metadata<R: Read>(
    reader: &mut Reader<'_, '_, R>,
    belonging: &mut Belonging,
    name: ObjectName,
) -> Result<(), Halt> {
    belonging.check(name).map_err(|reason| reader.refuse(reason))?;
    let present = reader.has(&name)?;
    if name.kind != ObjectKind::DirTree && present {
        reader.stats.present += 1;
        return Ok(());
    }
    let mut bytes = reader.writers.buffer();
    reader.read_metadata(&mut bytes)?;
    let (expected, actual) = (name.checksum, Checksum::of(&bytes));
    if actual != expected {
        return Err(reader.refuse(StoreError::ChecksumMismatch { kind: name.kind, expected, actual }).into());
    }
    if name.kind == ObjectKind::DirTree {
        let tree = DirTree::decode(&bytes).map_err(|source| reader.refuse(source))?;
        belonging.name_entries(&tree).map_err(|reason| reader.refuse(reason))?;
    } else {
        ostree_core::DirMeta::decode(&bytes).map_err(|source| reader.refuse(source))?;
    }
    if present {
        reader.stats.present += 1;
        return Ok(());
    }
    reader.stats.metadata_objects += 1;
    reader.push(Object::Metadata(name), bytes)
}
