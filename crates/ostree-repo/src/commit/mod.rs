//! Making commits: trees from directories, tar streams and other commits, then the commit object.

mod devino;
mod dir;
mod file;
mod modifier;
mod object;
mod stored;

pub use devino::{DevInoCache, Trust};
pub use dir::{DirOptions, add_directory, remove_consumed};
pub use modifier::{LabelFn, Labeler, Modifier, StatOverride, Verdict};
pub use object::{Bindings, CommitParams, bind, commit_tree, write_commit};
pub use stored::add_commit;
