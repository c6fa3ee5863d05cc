//! SELinux labels of paths: a policy's file contexts read from a tree, and looked up as libselinux does.
//!
//! [`Policy::load`] finds the policy of a tree as libostree's `ostree_sepolicy_new` does, and [`Policy::label`] gives
//! what `ostree_sepolicy_get_label` gives. Neither asks the running system: it works where there is no SELinux.
//!
//! The text files decide: `file_contexts` with `.homedirs` and `.local`, `.subs_dist` and `.subs`. The `.bin` files beside
//! them are the same compiled in advance by `sefcontext_compile`; they are not read.
//!
//! ```
//! use ostree_selinux::{FileContexts, Policy};
//!
//! let files = FileContexts {
//!     main: b"/.*  system_u:object_r:default_t:s0\n/usr/bin/.*  --  system_u:object_r:bin_t:s0\n".to_vec(),
//!     ..FileContexts::default()
//! };
//! let policy = Policy::new("targeted", &files)?;
//! assert_eq!(policy.label("/usr/bin/env", 0o100755), Some("system_u:object_r:bin_t:s0"));
//! assert_eq!(policy.label("/usr/bin/sub", 0o040755), Some("system_u:object_r:default_t:s0"));
//! # Ok::<(), ostree_selinux::SelinuxError>(())
//! ```

mod config;
mod cursor;
pub mod error;
pub mod limits;
mod matcher;
mod pattern;
mod pattern_class;
pub mod policy;
mod spec;
mod subs;

pub use error::SelinuxError;
pub use policy::{FileContexts, Policy, PolicyFiles};
