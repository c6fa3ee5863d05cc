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

/// An archive being put together.
#[derive(Default, Clone)]
pub struct Archive(Vec<u8>);

impl Archive {
    /// The archive with these entries.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Its entries without the end mark.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn add(self, kind: u8, name: &str, attributes: (u32, u64, u64), link: &str, data: &[u8]) -> Self {
        self.add_raw(kind, (name.as_bytes(), link.as_bytes()), attributes, data.len() as u64, data)
    }

    /// An entry whose name and link target are any bytes, and whose size need not be that of its content.
    pub fn add_raw(
        mut self,
        kind: u8,
        (name, link): (&[u8], &[u8]),
        (permissions, uid, gid): (u32, u64, u64),
        size: u64,
        data: &[u8],
    ) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::new(kind));
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
        header.as_gnu_mut().unwrap().linkname[..link.len()].copy_from_slice(link);
        header.set_mode(permissions);
        header.set_uid(uid);
        header.set_gid(gid);
        header.set_size(size);
        header.set_mtime(1000);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn dir(self, name: &str, permissions: u32, uid: u64, gid: u64) -> Self {
        self.add(b'5', name, (permissions, uid, gid), "", b"")
    }

    pub fn root(self) -> Self {
        self.dir("./", 0o755, 0, 0)
    }

    pub fn file(self, name: &str, data: &str) -> Self {
        self.add(b'0', name, (0o644, 0, 0), "", data.as_bytes())
    }

    pub fn owned(self, name: &str, uid: u64, gid: u64) -> Self {
        self.add(b'0', name, (0o644, uid, gid), "", b"x")
    }

    pub fn symlink(self, name: &str, target: &str) -> Self {
        self.add(b'2', name, (0o777, 0, 0), target, b"")
    }

    pub fn link(self, name: &str, target: &str) -> Self {
        self.add(b'1', name, (0o644, 0, 0), target, b"")
    }

    /// Records for the entry that comes next.
    pub fn pax(self, records: &[(&str, &str)]) -> Self {
        let records: Vec<_> = records.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes())).collect();
        self.pax_raw(&records)
    }

    /// Records of any bytes for the entry that comes next.
    pub fn pax_raw(self, records: &[(&[u8], &[u8])]) -> Self {
        let mut data = Vec::new();
        for (key, value) in records {
            let rest = [b" ", *key, b"=", *value, b"\n"].concat();
            let length = (rest.len()..).find(|length| length.to_string().len() + rest.len() == *length).unwrap();
            data.extend_from_slice(length.to_string().as_bytes());
            data.extend_from_slice(&rest);
        }
        self.add(b'x', "pax", (0o644, 0, 0), "", &data)
    }

    pub fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}
