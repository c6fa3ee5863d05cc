//! The OSTree object store on disk: every repository mode, refs, transactions, commit, checkout, fsck and prune.
//!
//! A [`Repo`] reads; only a [`Transaction`] writes, and dropping it undoes. Real `ostree` processes may work on the same
//! repository at the same time: locks, staging and the order of writes are libostree's.

mod diff_side;
mod diff_stats;
mod fs;
mod layout;
mod loose;
mod parallel;
mod space;
mod stage;

pub mod checkout;
pub mod commit;
pub mod config;
pub mod create;
pub mod diff;
pub mod error;
pub mod keyfile;
pub mod limits;
pub mod list;
pub mod lock;
pub mod mode;
pub mod partial;
pub mod refs;
pub mod repo;
pub mod tmp;
pub mod transaction;

pub use checkout::{CheckoutOptions, CheckoutStats, LinkPolicy, UnionMode, checkout};
pub use config::Config;
pub use create::create;
pub use error::RepoError;
pub use lock::{LockGuard, LockKind};
pub use mode::RepoMode;
pub use repo::Repo;
pub use transaction::{Transaction, TransactionOptions, TransactionStats};
