//! Objects as entries of the repository in the stream, each once.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use ostree_core::{
    Checksum, CommitId, DirMeta, DirMetaId, DirTree, DirTreeId, FileHeader, FileId, ObjectKind, ObjectName, Owner,
    ReadObject, StoreError, mode,
};
use tar::EntryType;

use super::encode::{Head, TarOut, Trace, link_end};
use super::skeleton::plain_file;
use crate::error::TarError;
use crate::path::object_path;

/// Which of the two variants of the format is written. Readers of either kind accept both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavour {
    /// As newer writers do: xattrs stand in a regular `.file-xattrs-link` of each file, and as PAX records for those who
    /// unpack the checkout.
    #[default]
    Links,
    /// As ostree-ext 0.15.3 does, byte for byte: each set of xattrs stands once as `.file-xattrs`, and files point to it
    /// by hard link.
    Shared,
}

/// How a stream is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportOptions {
    /// The variant of the format.
    pub flavour: Flavour,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Commits, detached metadata, dirtrees and dirmetas.
    pub metadata_objects: u64,
    /// Regular files.
    pub files: u64,
    /// Symlinks.
    pub symlinks: u64,
    /// The content of all regular files in bytes.
    pub content_bytes: u64,
    /// The length of the uncompressed stream in bytes.
    pub stream_bytes: u64,
}

/// What a checkout entry must repeat of the object it leads to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes {
    pub(super) permissions: u32,
    pub(super) owner: Owner,
    /// Whether this is a regular file without content.
    pub(super) empty_file: bool,
    /// Whether headers look as in [`Flavour::Shared`].
    pub(super) shared: bool,
    /// The last byte of the target's field in the object's header.
    pub(super) link_end: u8,
}

/// A file opened for writing out.
pub(super) struct OpenFile {
    pub(super) header: FileHeader,
    pub(super) size: u64,
    pub(super) content: Option<Box<dyn Read + Send>>,
}

/// Opens a file that must be there.
pub(super) fn open(store: &dyn ReadObject, id: &FileId) -> Result<OpenFile, TarError> {
    let failed = TarError::export(id.object());
    let file = store.read_file(id).map_err(failed)?.ok_or_else(|| failed(StoreError::Missing { name: id.object() }))?;
    Ok(OpenFile { header: file.header, size: file.size, content: file.content })
}

/// Writes objects and remembers which were written.
pub(super) struct ObjectWriter<'a> {
    pub(super) store: &'a dyn ReadObject,
    pub(super) out: TarOut<'a>,
    pub(super) flavour: Flavour,
    pub(super) stats: Stats,
    dirtrees: HashSet<DirTreeId>,
    dirmetas: HashMap<DirMetaId, (u32, Owner)>,
    files: HashMap<FileId, Attributes>,
    xattrs: HashSet<Checksum>,
}

impl<'a> ObjectWriter<'a> {
    pub(super) fn new(store: &'a dyn ReadObject, out: TarOut<'a>, flavour: Flavour) -> Self {
        Self {
            store,
            out,
            flavour,
            stats: Stats::default(),
            dirtrees: HashSet::new(),
            dirmetas: HashMap::new(),
            files: HashMap::new(),
            xattrs: HashSet::new(),
        }
    }

    fn load(&self, name: ObjectName) -> Result<Vec<u8>, TarError> {
        let failed = TarError::export(name);
        self.store.read_metadata(&name).map_err(failed)?.ok_or_else(|| failed(StoreError::Missing { name }))
    }

    fn metadata(&mut self, name: &ObjectName, bytes: &[u8]) -> Result<(), TarError> {
        self.stats.metadata_objects += 1;
        plain_file(&mut self.out, &object_path(name), bytes)
    }

    /// Writes the commit and its detached metadata.
    pub(super) fn commit(&mut self, id: &CommitId) -> Result<(), TarError> {
        let bytes = self.load(id.object())?;
        self.metadata(&id.object(), &bytes)?;
        let failed = TarError::export(id.object());
        if let Some(detached) = self.store.read_detached(id).map_err(failed)? {
            let name = ObjectName::new(ObjectKind::CommitMeta, *id.checksum());
            self.metadata(&name, &detached.encode())?;
        }
        Ok(())
    }

    /// Writes a dirtree if it is not written yet; gives its entries.
    pub(super) fn dirtree(&mut self, id: &DirTreeId) -> Result<DirTree, TarError> {
        let bytes = self.load(id.object())?;
        if self.dirtrees.insert(*id) {
            self.metadata(&id.object(), &bytes)?;
        }
        let refused = |source| StoreError::Object { name: id.object(), source };
        DirTree::decode(&bytes).map_err(refused).map_err(TarError::export(id.object()))
    }

    /// The permissions and owner that a dirmeta gives, without writing it.
    pub(super) fn read_dirmeta(&self, id: &DirMetaId) -> Result<(Vec<u8>, u32, Owner), TarError> {
        let bytes = self.load(id.object())?;
        let refused = |source| StoreError::Object { name: id.object(), source };
        let meta = DirMeta::decode(&bytes).map_err(refused).map_err(TarError::export(id.object()))?;
        Ok((bytes, meta.mode & mode::PERMISSION_MASK, meta.owner))
    }

    /// Writes a dirmeta if it is not written yet; gives its permissions and owner.
    pub(super) fn dirmeta(&mut self, id: &DirMetaId) -> Result<(u32, Owner), TarError> {
        if let Some(known) = self.dirmetas.get(id) {
            return Ok(*known);
        }
        let (bytes, permissions, owner) = self.read_dirmeta(id)?;
        self.metadata(&id.object(), &bytes)?;
        self.dirmetas.insert(*id, (permissions, owner));
        Ok((permissions, owner))
    }

    /// What is known of a file that was written before.
    pub(super) fn written(&self, id: &FileId) -> Option<Attributes> {
        self.files.get(id).copied()
    }

    /// Writes a file that was not written before: its xattrs, then itself. Gives what its checkout entries repeat.
    pub(super) fn file(&mut self, id: &FileId, file: OpenFile) -> Result<Attributes, TarError> {
        let OpenFile { header, size, content } = file;
        self.file_xattrs(id, &header)?;
        let permissions = if header.is_symlink() { 0o777 } else { header.mode & mode::PERMISSION_MASK };
        let path = object_path(&id.object());
        let head = Head {
            path: &path,
            dotted: false,
            kind: if header.is_symlink() { EntryType::Symlink } else { EntryType::Regular },
            mode: permissions,
            owner: header.owner,
            size: if header.is_symlink() { 0 } else { size },
            link: header.is_symlink().then_some(header.symlink_target.as_str()),
            trace: Trace::Clean,
        };
        self.out.head(&head)?;
        if header.is_symlink() {
            self.stats.symlinks += 1;
        } else {
            self.stats.files += 1;
            self.stats.content_bytes += size;
            let mut content = content.unwrap_or_else(|| Box::new(std::io::empty()));
            self.out.copy(&mut *content, size, &|source| TarError::Content { file: *id, source })?;
        }
        let empty_file = !header.is_symlink() && size == 0;
        let shared = self.flavour == Flavour::Shared;
        let link_end = link_end(&header.symlink_target);
        let attributes = Attributes { permissions, owner: header.owner, empty_file, shared, link_end };
        self.files.insert(*id, attributes);
        Ok(attributes)
    }

    fn file_xattrs(&mut self, id: &FileId, header: &FileHeader) -> Result<(), TarError> {
        let bytes = header.xattrs.encode();
        let link = object_path(&ObjectName::new(ObjectKind::FileXattrsLink, *id.checksum()));
        match self.flavour {
            Flavour::Links => {
                plain_file(&mut self.out, &link, &bytes)?;
                self.out.pax_xattrs(&header.xattrs)
            }
            Flavour::Shared => {
                let checksum = Checksum::of(&bytes);
                let path = object_path(&ObjectName::new(ObjectKind::FileXattrs, checksum));
                if self.xattrs.insert(checksum) {
                    plain_file(&mut self.out, &path, &bytes)?;
                }
                self.out.head(&Head { link: Some(&path), ..Head::plain(&link, EntryType::Link, 0o644, 0) })
            }
        }
    }

    /// Ends the stream.
    pub(super) fn finish(self) -> Result<Stats, TarError> {
        Ok(Stats { stream_bytes: self.out.finish()?, ..self.stats })
    }
}
