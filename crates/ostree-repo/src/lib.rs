//! The OSTree object store on disk: every repository mode, refs, transactions, commit, checkout, fsck and prune.
//!
//! A [`Repo`] reads; only a [`Transaction`] writes, and dropping it undoes. Real `ostree` processes may work on the same
//! repository at the same time: locks, staging and the order of writes are libostree's.

mod bindings;
mod diff_side;
mod diff_stats;
mod early_sync;
mod fs;
mod layout;
mod leftover;
mod loose;
mod overlay;
mod parallel;
mod size;
mod space;
mod stage;
mod tombstone;

pub mod checkout;
pub mod commit;
pub mod config;
pub mod copy;
pub mod create;
pub mod diff;
pub mod error;
pub mod fsck;
pub mod keyfile;
pub mod limits;
pub mod list;
pub mod lock;
pub mod mode;
pub mod partial;
pub mod prune;
pub mod refs;
pub mod repo;
pub mod summary;
pub mod tmp;
pub mod transaction;

pub use checkout::{CheckoutOptions, CheckoutStats, LinkPolicy, UnionMode, checkout};
pub use config::Config;
pub use create::create;
pub use error::RepoError;
pub use leftover::Leftover;
pub use lock::{LockGuard, LockKind};
pub use mode::RepoMode;
pub use repo::Repo;
pub use size::format_size;
pub use space::FreeSpace;
pub use transaction::{Transaction, TransactionOptions, TransactionStats};
