//! From an image to a commit.

mod pipe;
mod received;
mod unencapsulate;

pub use unencapsulate::{ImportOptions, Unencapsulated, unencapsulate};
