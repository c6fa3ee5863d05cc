//! Which entries of a commit are shown in the checkout: every path once, `usr/etc` as `etc`, nothing below `sysroot`.

use std::collections::HashMap;

use ostree_core::{Commit, ReadObject, StoreError, walk};

use crate::path::{SYSROOT, checkout_path};

/// What the checkout shows of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// An entry of its own.
    Entry,
    /// No entry, because the directory was shown before; what is in it is shown.
    Merged,
    /// Nothing, neither itself nor what is in it.
    Nothing,
}

/// Decides what is shown. A commit may hold `etc` and `usr/etc`, which fall together in the checkout: directories are
/// merged, and of two files of one name the first is shown, except that `usr/etc` wins against an `etc` that is no
/// directory.
pub(super) struct Checkout {
    has_usr_etc: bool,
    /// What was shown in `etc`, if two directories fall together there: whether it was a directory.
    shown: Option<HashMap<String, bool>>,
}

impl Checkout {
    /// Looks at the top of a commit's tree.
    pub(super) fn new(store: &dyn ReadObject, commit: &Commit) -> Result<Self, StoreError> {
        let root = walk::load_dirtree(store, &commit.root_tree)?;
        let has_usr_etc = match root.dir("usr") {
            Some(usr) => walk::load_dirtree(store, &usr.tree)?.dir("etc").is_some(),
            None => false,
        };
        let both = has_usr_etc && root.dir("etc").is_some();
        Ok(Self { has_usr_etc, shown: both.then(HashMap::new) })
    }

    /// Where a path of the commit is shown, and whether. Asked once for every entry, parents first; what is below one
    /// that shows nothing is not asked for.
    pub(super) fn show<'p>(&mut self, path: &'p str, is_dir: bool) -> (&'p str, Show) {
        let target = checkout_path(path);
        if path == SYSROOT || (path == "etc" && !is_dir && self.has_usr_etc) {
            return (target, Show::Nothing);
        }
        let Some(shown) = &mut self.shown else { return (target, Show::Entry) };
        if target != "etc" && !target.starts_with("etc/") {
            return (target, Show::Entry);
        }
        let show = match (shown.get(target), is_dir) {
            (None, _) => {
                shown.insert(target.to_owned(), is_dir);
                Show::Entry
            }
            (Some(true), true) => Show::Merged,
            _ => Show::Nothing,
        };
        (target, show)
    }
}
