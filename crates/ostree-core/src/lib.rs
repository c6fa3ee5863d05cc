//! The OSTree object model: typed ids, GVariant codecs of every object, hashing, tree algebra and the store traits.
//!
//! Nothing here knows a disk or a socket. `ostree-repo` keeps these objects on disk and `ostree-tar` carries them in
//! tar streams; both meet at the [`store`] traits.
//!
//! ```
//! use ostree_core::{Checksum, DirMeta, Owner, Xattrs};
//!
//! let meta = DirMeta { owner: Owner { uid: 0, gid: 0 }, mode: 0o040755, xattrs: Xattrs::default() };
//! let bytes = meta.encode();
//! assert_eq!(DirMeta::decode(&bytes)?, meta);
//! assert_eq!(
//!     Checksum::of(&bytes).to_string(),
//!     "446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488"
//! );
//! # Ok::<(), ostree_core::ObjectError>(())
//! ```

pub mod checksum;
pub mod commit;
pub mod dirmeta;
pub mod dirtree;
pub mod error;
pub mod file;
pub mod filter;
pub mod gvariant;
pub mod id;
pub mod kind;
pub mod limits;
pub mod metadata;
pub mod mode;
pub mod name;
pub mod owner;
mod raw_value;
pub mod refname;
pub mod store;
pub mod summary;
pub mod tree;
pub mod verify;
pub mod walk;
pub mod xattr;

pub use checksum::{Checksum, ChecksumHasher};
pub use commit::Commit;
pub use dirmeta::DirMeta;
pub use dirtree::{DirEntry, DirTree, FileEntry};
pub use error::ObjectError;
pub use file::{FileHasher, FileHeader};
pub use filter::{EntryFilter, Verdict};
pub use id::{CommitId, DirMetaId, DirTreeId, FileId};
pub use kind::{ObjectKind, ObjectName};
pub use metadata::{Metadata, RawVariant};
pub use name::EntryName;
pub use owner::Owner;
pub use refname::{RefName, Refspec, RemoteName};
pub use store::{FileObject, ReadObject, StoreError, WriteObject};
pub use verify::{VerifyCommit, VerifyError};
pub use xattr::Xattrs;
