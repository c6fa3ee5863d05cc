//! Tar streams read into a store, every object checked against its own name.

mod belong;
mod commit;
mod complete;
mod file;
mod object_set;
mod state;
mod writers;
mod xattrs;

pub use commit::{ImportOptions, Imported, import};
pub use complete::check_complete;
pub use object_set::import_object_set;
pub use state::ImportStats;
