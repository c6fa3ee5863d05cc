//! The local storage of podman, buildah and their relatives as an image source, read directly from its files.
//!
//! A layer is kept there as a directory tree, and beside it what its tar archive was apart from the contents of its files
//! (see [`tar_split`]). Both together give the archive back byte for byte, which is what [`StorageSource`] hands out. Nothing
//! of the storage is ever changed. No other program is run, but for files that belong to a user's subordinate users: where a
//! program allows it, it is started again as a helper with their ids (see [`Environment::with_helper`]).

mod assemble;
mod beneath;
mod big_data;
mod crc64;
mod diff_dir;
pub mod environment;
pub mod error;
mod expand;
mod find;
mod foreign;
mod handover;
mod helper;
mod layout;
pub mod limits;
mod lock;
mod open;
mod options;
mod place;
pub mod records;
pub mod reference;
mod signatures;
mod source;
mod store;
mod subordinate;
pub mod tar_split;

pub use environment::Environment;
pub use error::StorageError;
pub use helper::{HELPER, serve_files};
pub use place::StoragePlace;
pub use source::StorageSource;
