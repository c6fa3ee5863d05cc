//! Images in a repository: what is there, what goes away, and the way from one repository to another.
//!
//! An image is a ref with the image's escaped name ([`crate::refs`]) to a *merge commit*, whose tree is that of all layers
//! and whose metadata holds the image's documents. Each layer has a ref of its own to a commit that keeps its content.

mod cached;
mod copy;
mod deployments;
mod documents;
mod gc;
mod history;
mod image;
mod list;
mod prune;
mod remove;

pub use cached::{CachedUpdate, cached_update, clear_cached_update, set_cached_update};
pub use copy::{Copied, copy};
pub use gc::{GcOptions, GcStats, collect, freed_without};
pub use history::{HistoryRow, history};
pub use image::{StoredImage, StoredLayer, find, layer_commit, query, require};
pub use list::{ImageEntry, NamedImage, all, entries};
pub use prune::{Extent, PrunedImages, prune_images};
pub use remove::{RemoveOptions, Removed, remove};
