//! From an image to a commit.

pub(crate) mod ahead;
pub(crate) mod base;
mod eager;
pub(crate) mod finished;
pub(crate) mod pipe;
pub(crate) mod received;
pub(crate) mod settling;
mod unencapsulate;

pub use eager::Eager;
pub use unencapsulate::{ImportOptions, Unencapsulated, unencapsulate};
