//! The seam between objects and the places that keep them.

use std::io::Read;

use crate::checksum::Checksum;
use crate::error::ObjectError;
use crate::file::FileHeader;
use crate::id::{CommitId, FileId};
use crate::kind::{ObjectKind, ObjectName};
use crate::metadata::Metadata;

/// A file object being read.
pub struct FileObject {
    /// What describes the file.
    pub header: FileHeader,
    /// The length of the content in bytes; 0 for a symlink.
    pub size: u64,
    /// The content of a regular file, `size` bytes long; `None` for a symlink.
    pub content: Option<Box<dyn Read + Send>>,
}

/// What goes wrong in a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// An object that must be there is not.
    #[error("No such {} object {}", if name.kind.is_metadata() { "metadata" } else { "file" }, name)]
    Missing {
        /// The object.
        name: ObjectName,
    },
    /// An object's bytes are not the ones its name promises.
    #[error("Corrupted {} object; checksum expected='{expected}' actual='{actual}'", kind.name())]
    ChecksumMismatch {
        /// Its kind.
        kind: ObjectKind,
        /// The checksum that was asked for.
        expected: Checksum,
        /// The checksum of the bytes.
        actual: Checksum,
    },
    /// An object's bytes are not in the form of its kind.
    #[error("object {name}")]
    Object {
        /// The object.
        name: ObjectName,
        /// What is wrong with it.
        source: ObjectError,
    },
    /// Something that is no stored object is malformed.
    #[error(transparent)]
    Invalid(#[from] ObjectError),
    /// The stream a file's content is read from failed.
    #[error("reading the content of a file object")]
    Content {
        /// The stream's error.
        #[source]
        source: std::io::Error,
    },
    /// The store itself failed. The message of the source says what and where.
    #[error(transparent)]
    Backend(Box<dyn std::error::Error + Send + Sync>),
}

/// A place objects are read from. Absent is `Ok(None)`; unreadable is `Err`.
pub trait ReadObject: Sync {
    /// Whether the object is there. Its bytes are not looked at.
    fn has_object(&self, name: &ObjectName) -> Result<bool, StoreError>;

    /// The bytes of a commit, dirtree or dirmeta. They are not checked against the name.
    fn read_metadata(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, StoreError>;

    /// The detached metadata of a commit.
    fn read_detached(&self, commit: &CommitId) -> Result<Option<Metadata>, StoreError>;

    /// A file object. The content is not checked against the name.
    fn read_file(&self, id: &FileId) -> Result<Option<FileObject>, StoreError>;
}

/// A place objects are written to; several threads may write at once. An object that is there already is left as it is.
pub trait WriteObject: Sync {
    /// Whether the object is there already, so that it need not be sent.
    fn has_object(&self, name: &ObjectName) -> Result<bool, StoreError>;

    /// Writes a commit, dirtree or dirmeta from its bytes. With `expect`, bytes of another checksum are refused.
    fn write_metadata(&self, kind: ObjectKind, bytes: &[u8], expect: Option<&Checksum>)
    -> Result<Checksum, StoreError>;

    /// Writes the detached metadata of a commit, replacing what was there.
    fn write_detached(&self, commit: &CommitId, metadata: &Metadata) -> Result<(), StoreError>;

    /// Writes a file object from its header and, for a regular file, exactly `size` bytes of `content`, which is read to
    /// its end: more or fewer bytes are an error. With `expect`, content of another checksum is refused, and content of an
    /// object that is there already is not read at all.
    fn write_file(
        &self,
        header: &FileHeader,
        size: u64,
        content: &mut dyn Read,
        expect: Option<&FileId>,
    ) -> Result<FileId, StoreError>;
}
