//! The detached metadata of a commit replaced in its stream, everything else copied as it is.

use std::io::{Read, Write};

use ostree_core::{CommitId, ObjectKind, ObjectName};
use tar::EntryType;

use crate::entry::Entries;
use crate::error::TarError;
use crate::path::{Place, object_path, place};
use crate::write::{Head, TarOut};

/// Copies a stream with a commit, with `detached` (a serialised `a{sv}`, written as it is) in place of the detached
/// metadata it has, if any; `None` removes it. Gives the commit.
pub fn replace_detached(stream: impl Read, mut out: impl Write, detached: Option<&[u8]>) -> Result<CommitId, TarError> {
    let mut entries = Entries::keeping_headers(stream);
    let mut out = TarOut::new(&mut out);
    let commit = copy_to_commit(&mut entries, &mut out)?;
    if let Some(bytes) = detached {
        let path = object_path(&ObjectName::new(ObjectKind::CommitMeta, *commit.checksum()));
        out.head(&Head::plain(&path, EntryType::Regular, 0o644, bytes.len() as u64))?;
        out.bytes(bytes)?;
    }
    if entries.next_entry()?.is_none() {
        return Err(TarError::DetachOnlyCommit);
    }
    if !matches!(place(&entries.entry().path), Ok(Place::CommitMeta(id)) if id == commit) {
        copy_entry(&mut entries, &mut out)?;
    }
    while entries.next_entry()?.is_some() {
        copy_entry(&mut entries, &mut out)?;
    }
    entries.drain()?;
    out.finish()?;
    Ok(commit)
}

fn copy_to_commit<R: Read>(entries: &mut Entries<R>, out: &mut TarOut<'_>) -> Result<CommitId, TarError> {
    loop {
        let Some(entry) = entries.next_entry()? else { return Err(TarError::DetachNoCommit) };
        let found = match place(&entry.path) {
            Ok(Place::Commit(commit)) if entry.is_regular() => Some(commit),
            _ => None,
        };
        copy_entry(entries, out)?;
        if let Some(commit) = found {
            return Ok(commit);
        }
    }
}

/// Copies headers, content and padding of the current entry.
fn copy_entry<R: Read>(entries: &mut Entries<R>, out: &mut TarOut<'_>) -> Result<(), TarError> {
    out.raw(&entries.entry().headers)?;
    let (size, offset) = (entries.entry().size, entries.offset());
    let mut content = entries.content();
    let copied = out.copy(&mut content, size, &|source| TarError::Read { offset, source });
    match content.into_failure() {
        Some(failure) => Err(failure),
        None => copied,
    }
}
