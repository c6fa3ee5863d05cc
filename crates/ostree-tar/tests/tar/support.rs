//! Streams taken apart and put together again.

use ostree_core::CommitId;
use ostree_tar::{ExportOptions, Flavour, ImportOptions, Imported, TarError};
use testkit::memory_store::{MemoryStore, Store};

/// One entry with all its headers, content and padding.
#[derive(Debug, Clone)]
pub struct Piece {
    pub path: String,
    pub bytes: Vec<u8>,
    /// Where the content starts in `bytes`.
    pub content: usize,
}

/// A stream as its entries, without the end mark.
pub fn take_apart(stream: &[u8]) -> Vec<Piece> {
    let mut entries = ostree_tar::entry::Entries::keeping_headers(stream);
    let mut pieces = Vec::new();
    let mut content = Vec::new();
    while entries.next_entry().unwrap().is_some() {
        let mut bytes = entries.entry().headers.clone();
        let start = bytes.len();
        let path = entries.entry().shown_path();
        entries.read_content(&mut content).unwrap();
        bytes.extend_from_slice(&content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        pieces.push(Piece { path, bytes, content: start });
    }
    pieces
}

/// The stream of these entries.
pub fn put_together(pieces: &[Piece]) -> Vec<u8> {
    let mut stream: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.iter().copied()).collect();
    stream.resize(stream.len() + 1024, 0);
    stream
}

/// The stream of a commit.
pub fn exported(store: &dyn Store, commit: &CommitId, flavour: Flavour) -> Vec<u8> {
    let mut stream = Vec::new();
    ostree_tar::export(store, commit, ExportOptions { flavour }, &mut stream).unwrap();
    stream
}

/// Reads a stream into a fresh store.
pub fn imported(stream: &[u8]) -> Result<(MemoryStore, Imported), TarError> {
    let store = MemoryStore::new();
    let options = ImportOptions { writers: 2, ..ImportOptions::default() };
    ostree_tar::import(stream, &store, options).map(|imported| (store, imported))
}

/// The whole chain of messages of the error that reading must end with.
pub fn refusal(stream: &[u8]) -> String {
    match imported(stream) {
        Ok(_) => panic!("the stream was taken"),
        Err(error) => chain(&error),
    }
}

/// An error with its causes, joined as users see them.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// A tar entry with a header of its own making.
pub fn entry(path: &str, kind: tar::EntryType, link: &str, content: &[u8]) -> Piece {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(content.len() as u64);
    if link.is_empty() {
        builder.append_data(&mut header, path, content).unwrap();
    } else {
        builder.append_link(&mut header, path, link).unwrap();
    }
    let mut bytes = builder.into_inner().unwrap();
    bytes.truncate(bytes.len() - 1024);
    let content = bytes.len() - content.len().next_multiple_of(512);
    Piece { path: path.to_owned(), bytes, content }
}
