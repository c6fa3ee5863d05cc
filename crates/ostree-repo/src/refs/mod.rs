//! Refs: names for commits, in `refs/heads`, `refs/remotes/REMOTE` and `refs/mirrors/COLLECTION`.

mod edit;
mod read;
mod resolve;
mod target;

pub use edit::{delete, set_alias, write};
pub(crate) use edit::{place, stage};
pub use read::{LocalRef, aliases, list, list_collections, list_prefix, read};
pub use resolve::{resolve, resolve_local};
pub use target::RefTarget;
