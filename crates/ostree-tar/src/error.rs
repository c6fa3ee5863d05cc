//! What goes wrong between tar streams and stores.

use ostree_core::{Checksum, CommitId, FileId, ObjectError, ObjectName, StoreError, VerifyError};

/// Why a stream could not be written or read. Positions are byte offsets in the uncompressed stream, at the first header
/// of the entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TarError {
    /// The stream could not be written.
    #[error("writing the tar stream at byte {offset}")]
    Write {
        /// How many bytes were written before.
        offset: u64,
        /// The cause.
        source: std::io::Error,
    },
    /// An object could not be written out.
    #[error("exporting object {object}")]
    Export {
        /// The object.
        object: ObjectName,
        /// The cause.
        source: Box<StoreError>,
    },
    /// A file changed or failed while it was written out.
    #[error("exporting the content of file object {file}")]
    Content {
        /// The object.
        file: FileId,
        /// The cause.
        source: std::io::Error,
    },
    /// The stream could not be read.
    #[error("reading the tar stream at byte {offset}")]
    Read {
        /// How many bytes were read before.
        offset: u64,
        /// The cause.
        source: std::io::Error,
    },
    /// The stream ended in the middle.
    #[error("tar stream cut off at byte {offset}")]
    Truncated {
        /// Where it ended.
        offset: u64,
    },
    /// The stream goes on behind the end of the archive.
    #[error("more than {limit} bytes behind the end of the tar stream at byte {offset}")]
    Trailing {
        /// Where the archive ends.
        offset: u64,
        /// How many bytes may follow.
        limit: u64,
    },
    /// The stream is no tar archive.
    #[error("malformed tar stream at byte {offset}")]
    Malformed {
        /// Where the entry starts.
        offset: u64,
        /// What is wrong with its headers.
        source: tar_core::parse::ParseError,
    },
    /// An entry is not what it must be.
    #[error("tar entry '{entry}' at byte {offset}")]
    Entry {
        /// The name of the entry.
        entry: String,
        /// Where it starts.
        offset: u64,
        /// What is wrong.
        source: Box<Reason>,
    },
    /// The stream holds no commit.
    #[error("Commit object not found")]
    NoCommit,
    /// The stream holds a commit and nothing else.
    #[error("End of stream after commit object")]
    OnlyCommit,
    /// The stream ended between a file's xattrs and the file.
    #[error("Found previous dangling xattrs for file object '{file}'")]
    DanglingXattrs {
        /// The file that did not come.
        file: FileId,
    },
    /// The signatures do not vouch for the commit.
    #[error("verifying commit {commit} in tar stream")]
    Verify {
        /// The commit.
        commit: CommitId,
        /// The verifier's answer.
        source: VerifyError,
    },
    /// The store failed apart from any one entry.
    #[error("preparing to import commit {commit}")]
    Prepare {
        /// The commit.
        commit: CommitId,
        /// The cause.
        source: Box<StoreError>,
    },
    /// The commit is not whole.
    #[error("commit {commit} is incomplete: {count} objects are missing, the first is {first}")]
    Incomplete {
        /// The commit.
        commit: CommitId,
        /// How many objects are known to be missing.
        count: usize,
        /// One of them.
        first: ObjectName,
    },
    /// The completeness could not be checked.
    #[error("checking that commit {commit} is complete")]
    Check {
        /// The commit.
        commit: CommitId,
        /// The cause.
        source: Box<StoreError>,
    },
    /// Something of a layer could not be put in its place in the tree.
    #[error("placing '{path}' in the tree of the layer")]
    Place {
        /// Its absolute path in the tree.
        path: String,
        /// The cause.
        source: Box<Reason>,
    },
    /// The stream does not start as a tar archive does.
    #[error("Unrecognized archive format; expected tar, plain or in gzip, bzip2, xz or zstd")]
    NotArchive {
        /// What is wrong with the first header.
        source: tar_core::parse::ParseError,
    },
    /// An archive is compressed in a way that is known and not supported.
    #[error("{format} archives are not supported; unpack it, or compress it as gzip, bzip2, xz or zstd")]
    Compression {
        /// The name of the compression.
        format: &'static str,
    },
    /// A hard link of an archive leads nowhere, or cannot stand where it is to.
    #[error("Processing deferred hardlink {target}")]
    HardLink {
        /// What the link leads to, as a path of the tree.
        target: String,
        /// What is wrong.
        source: Box<Reason>,
    },
    /// The root directory of a tree could not be written.
    #[error("writing the metadata of the root directory")]
    Root {
        /// The cause.
        source: Box<StoreError>,
    },
    /// New detached metadata has nothing to stand behind.
    #[error("Missing commit object")]
    DetachNoCommit,
    /// Only a commit is there, where something must follow.
    #[error("Expected metadata object after commit")]
    DetachOnlyCommit,
}

impl TarError {
    /// Makes the error of writing out an object.
    pub(crate) fn export(object: ObjectName) -> impl Fn(StoreError) -> Self + Copy {
        move |source| Self::Export { object, source: Box::new(source) }
    }
}

/// What is wrong with one entry. Where ostree-ext refuses the same, the wording is its.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The name is not UTF-8.
    #[error("Invalid non-utf8 path")]
    NonUtf8,
    /// The name leads out of the archive, or could.
    #[error("Invalid path: {0}")]
    UnsafePath(String),
    /// The directory of an object is not two characters.
    #[error("Invalid checksum parent {0}")]
    ChecksumParent(String),
    /// The name of an object is not 62 characters.
    #[error("Invalid checksum part {0}")]
    ChecksumPart(String),
    /// The name of an object is not lower-case hexadecimal.
    #[error("Invalid sha256 checksum {0}")]
    Checksum(String),
    /// The name of an object ends in no known type.
    #[error("Invalid object type {0}")]
    ObjectType(String),
    /// Something else comes where the commit must be.
    #[error("Expected commit object, not {0}")]
    NotCommit(String),
    /// The commit is no regular file.
    #[error("Expected regular file for commit object, not {0}")]
    CommitNotRegular(String),
    /// A second commit.
    #[error("Found multiple commit objects")]
    MultipleCommits,
    /// Detached metadata of another commit.
    #[error("Expected commitmeta checksum {expected}, found {found}")]
    OtherCommitMeta {
        /// The commit of the stream.
        expected: Checksum,
        /// The commit the metadata is for.
        found: Checksum,
    },
    /// Metadata that may not stand here.
    #[error("Invalid metadata object type; {0}")]
    MetadataType(String),
    /// A metadata object is no regular file.
    #[error("Invalid non-regular metadata object")]
    MetadataNotRegular,
    /// A metadata object beyond the limit.
    #[error("object of size {size} exceeds {limit} bytes")]
    MetadataTooLarge {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// An ordinary file among file objects.
    #[error("neither an object nor a link to one, so this is no layer of a commit")]
    NotOfObjects,
    /// A metadata object among file objects.
    #[error("Found metadata object {0} in object set mode")]
    MetadataInObjectSet(ObjectName),
    /// A file object that came before.
    #[error("Duplicate object: {0}")]
    Duplicate(FileId),
    /// An object that no object before it names.
    #[error("object {object} does not belong to commit {commit}, or comes before the directory that names it")]
    Foreign {
        /// The object.
        object: ObjectName,
        /// The commit of the stream.
        commit: CommitId,
    },
    /// The commit names too many objects.
    #[error("commit {commit} names more than {limit} objects")]
    TooManyObjects {
        /// The commit of the stream.
        commit: CommitId,
        /// The limit.
        limit: usize,
    },
    /// Xattrs came for a file that did not follow.
    #[error("Found previous dangling xattrs for file object '{0}'")]
    DanglingXattrs(FileId),
    /// A file without xattrs before it.
    #[error("Missing xattrs reference")]
    MissingXattrs,
    /// A file with another file's xattrs before it.
    #[error("Object mismatch, found xattrs for {0}")]
    OtherXattrs(FileId),
    /// A file names xattrs that did not come.
    #[error("Failed to find xattrs content {0}")]
    UnknownXattrs(Checksum),
    /// A pointer to xattrs that is neither link nor file.
    #[error("Unexpected xattrs type '{kind}' found for {file}")]
    XattrsLinkType {
        /// What it is.
        kind: String,
        /// The file it is for.
        file: FileId,
    },
    /// A link to xattrs that leads nowhere.
    #[error("No xattrs link content for {0}")]
    NoXattrsTarget(FileId),
    /// A set of xattrs that is no regular file.
    #[error("Invalid xattr entry of type {0}")]
    XattrsType(String),
    /// A set of xattrs beyond the limit.
    #[error("Invalid xattr size {0}")]
    XattrsTooLarge(u64),
    /// All sets of xattrs together are beyond the limit.
    #[error("the xattr sets of this stream exceed {limit} bytes")]
    XattrsTotal {
        /// The limit in bytes.
        limit: usize,
    },
    /// Bytes of another checksum than their name.
    #[error("Checksum mismatch, expected '{expected}' but computed '{actual}'")]
    ChecksumMismatch {
        /// The name.
        expected: Checksum,
        /// The checksum of the bytes.
        actual: Checksum,
    },
    /// A file object that is neither regular file nor symlink.
    #[error("Invalid tar entry of type {0}")]
    FileType(String),
    /// A symlink without target.
    #[error("Invalid symlink")]
    NoTarget,
    /// A symlink target that is not UTF-8.
    #[error("Non-utf8 symlink")]
    TargetNonUtf8,
    /// A device, FIFO or the like in a layer.
    #[error("{0}, which trees do not hold")]
    Special(String),
    /// An entry in a directory that is named as a whiteout.
    #[error("an entry below the whiteout '{0}'")]
    BelowWhiteout(String),
    /// A whiteout of no name.
    #[error("the whiteout '{0}' names nothing")]
    WhiteoutOfNothing(String),
    /// A hard link without target.
    #[error("a hard link without target")]
    NoLinkTarget,
    /// A hard link that leads to itself, perhaps over others.
    #[error("a hard link that leads back to itself by way of '{0}'")]
    LinkCircle(String),
    /// A layer with too much to remember.
    #[error("the names in this layer take more than {limit} bytes of memory")]
    LayerMemory {
        /// The limit in bytes.
        limit: usize,
    },
    /// A symlink with content.
    #[error("a symlink with {0} bytes of content")]
    SymlinkContent(u64),
    /// A user or group id that does not fit 32 bits.
    #[error("invalid {what} {value}")]
    Owner {
        /// `uid` or `gid`.
        what: &'static str,
        /// The value.
        value: u64,
    },
    /// A name that leads out of the archive.
    #[error("While making relative path \"{0}\": Invalid uplink '..' in path {0}")]
    RelativeUplink(String),
    /// A name that leads out of the tree after it was changed by a filter.
    #[error("Invalid uplink '..' in path {0}")]
    Uplink(String),
    /// A name that ends in a dot for a name.
    #[error("Invalid self-referential filename '.'")]
    SelfReference,
    /// A directory above an entry, or the target of a hard link, that is not in the tree.
    #[error("No such file or directory: {0}")]
    NotInTree(String),
    /// An entry of a type that trees do not hold.
    #[error("Unsupported file type for path \"{0}\"")]
    UnsupportedType(String),
    /// A file in the place of the root directory.
    #[error("not a directory, but in the place of the root directory")]
    FileAtRoot,
    /// A hard link to a directory.
    #[error("Expected hardlink file target at \"{0}\" but found a directory")]
    LinkToDirectory(String),
    /// An xattr whose value is not in its encoding.
    #[error("the value of xattr '{0}' is no base64")]
    Xattr(String),
    /// The pieces of a sparse file do not fit together.
    #[error("malformed map of a sparse file")]
    SparseMap,
    /// The bytes are not in the form of the object.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
