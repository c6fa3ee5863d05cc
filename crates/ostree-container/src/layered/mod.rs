//! Images of several layers as commits: a base that the image encapsulates, what was derived from it, or any other image.
//!
//! [`prepare()`] reads an image's documents and says what is missing; [`import()`] fetches it. Every layer is kept as a commit
//! under a ref of its digest, and the image as one merge commit, in the form of ostree-ext, so that programs built on either
//! find what the other stored. What that form cannot say of a layer stands in the layer commit under a key of our own.
//!
//! Layers are merged as trees of objects: no tree is checked out, and so the result is the same in every repository mode,
//! for every user, and nothing can be written through a symlink.

mod compose;
mod derived;
pub(crate) mod documents;
mod filtered;
mod import;
pub(crate) mod merge;
pub(crate) mod notes;
mod options;
mod plan;
mod policy;
mod prepare_root;
mod present;
mod relabel;

pub use filtered::{by_name, filtered, refuse_filtered};
pub use import::import;
pub use options::{PullOptions, Pulled};
pub use plan::{Plan, PlannedLayer, Prepared, prepare, prepare_known};
