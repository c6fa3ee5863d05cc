//! The bridge between OSTree commits and OCI images: encapsulate and unencapsulate.
//!
//! [`encapsulate()`] wraps a commit into an image whose layers hold a checkout and, in a repository inside of it, every
//! object; [`unencapsulate()`] takes the commit out again, checked object by object. Where images come from and go to, and
//! who vouches for a commit, is handed in as trait objects.

mod architecture;
mod bounded;
mod chunk;
mod copied;
mod pull;
mod stages;
mod write_layer;

pub mod cleanup;
pub mod compare;
pub mod contentmeta;
pub mod convert;
pub mod derive;
pub mod detach;
pub mod encapsulate;
pub mod error;
pub mod inspect;
pub mod keys;
pub mod layered;
pub mod limits;
pub mod need;
pub mod progress;
pub mod reexport;
pub mod refs;
pub mod shape;
pub mod space;
pub mod stored;

pub use contentmeta::ContentMeta;
pub use encapsulate::{EncapsulateOptions, Encapsulated, encapsulate};
pub use error::ContainerError;
pub use inspect::{ImageInfo, inspect};
pub use progress::{Event, Listener, Silent};
pub use pull::{Eager, ImportOptions, Unencapsulated, unencapsulate};
