//! What is changed or left out on the way from a file system or archive into a tree.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

pub use ostree_core::Verdict;
use ostree_core::mode::{self, PERMISSION_MASK, TYPE_MASK};
use ostree_core::{EntryFilter, Owner, Xattrs};

use crate::mode::RepoMode;
use crate::repo::Repo;

/// A line of a `--statoverride` file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatOverride {
    /// These bits are added, to regular files alone.
    Add(u32),
    /// These bits replace the permissions.
    Replace(u32),
}

/// The SELinux label for an absolute path of the tree and a mode with type bits, if there is one. Several threads may ask at
/// once.
pub type LabelFn = dyn Fn(&str, u32) -> Option<String> + Send + Sync;

/// Gives labels.
pub struct Labeler(pub Box<LabelFn>);

impl fmt::Debug for Labeler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Labeler")
    }
}

/// Changes made to every entry. Paths are those of the tree, absolute: `/`, `/usr/bin/x`.
#[derive(Debug, Default)]
pub struct Modifier {
    /// The user id everything gets.
    pub owner_uid: Option<u32>,
    /// The group id everything gets.
    pub owner_gid: Option<u32>,
    /// Owner root, modes at most 0755, no xattrs. Always so in a `bare-user-only` repository.
    pub canonical_permissions: bool,
    /// Regular files that anybody may execute lose their write bits.
    pub read_only_executables: bool,
    /// xattrs are left out.
    pub no_xattrs: bool,
    /// Gives everything its SELinux label, also where other xattrs are left out. What it has no label for keeps its own.
    pub labeler: Option<Labeler>,
    /// Modes by path.
    pub stat_overrides: BTreeMap<String, StatOverride>,
    /// Paths that are left out.
    pub skip: BTreeSet<String>,
    /// Which paths of the two tables were met.
    met: Mutex<BTreeSet<String>>,
}

impl Modifier {
    /// The modifier as it applies to `repo`: in a `bare-user-only` repository permissions are always canonical.
    pub fn for_repo(mut self, repo: &Repo) -> Self {
        let user_only = repo.mode() == RepoMode::BareUserOnly;
        self.canonical_permissions |= user_only;
        self.no_xattrs |= user_only || repo.config().disable_xattrs;
        self
    }

    /// Whether every entry stays as it is.
    pub fn changes_nothing(&self) -> bool {
        self.owner_uid.is_none()
            && self.owner_gid.is_none()
            && !self.canonical_permissions
            && !self.read_only_executables
            && !self.no_xattrs
            && self.labeler.is_none()
            && self.stat_overrides.is_empty()
            && self.skip.is_empty()
    }

    /// Whether xattrs are read at all.
    pub fn keeps_xattrs(&self) -> bool {
        !self.no_xattrs && !self.canonical_permissions
    }

    /// What becomes of the xattrs of the entry at `path`, whose new mode is `mode`.
    pub fn xattrs(&self, path: &str, mode: u32, xattrs: Xattrs) -> Xattrs {
        let mut xattrs = if self.keeps_xattrs() { xattrs } else { Xattrs::default() };
        if let Some(label) = self.label(path, mode) {
            xattrs.set_selinux_label(&label);
        }
        xattrs
    }

    /// Decides about the entry at `path`.
    pub fn apply(&self, path: &str, owner: Owner, file_mode: u32) -> Verdict {
        if self.skip.contains(path) {
            self.meet(path);
            return Verdict::Skip;
        }
        let mut owner = Owner { uid: self.owner_uid.unwrap_or(owner.uid), gid: self.owner_gid.unwrap_or(owner.gid) };
        let mut new_mode = file_mode;
        if self.read_only_executables && mode::is_regular(new_mode) && new_mode & 0o111 != 0 {
            new_mode &= !0o222;
        }
        if let Some(change) = self.stat_overrides.get(path) {
            self.meet(path);
            new_mode = match change {
                StatOverride::Add(bits) if mode::is_regular(new_mode) => new_mode | (bits & PERMISSION_MASK),
                StatOverride::Add(_) => new_mode,
                StatOverride::Replace(bits) => (new_mode & TYPE_MASK) | (bits & PERMISSION_MASK),
            };
        }
        if self.canonical_permissions {
            owner = Owner::default();
            if !mode::is_symlink(new_mode) {
                new_mode &= TYPE_MASK | 0o755;
            }
        }
        Verdict::Keep { owner, mode: new_mode }
    }

    fn meet(&self, path: &str) {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
    }

    /// The paths of stat overrides that no entry had. Replacing ones are not reported, as in the reference program.
    pub fn unmatched_overrides(&self) -> Vec<String> {
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let adds = self.stat_overrides.iter().filter(|(_, change)| matches!(change, StatOverride::Add(_)));
        adds.map(|(path, _)| path).filter(|path| !met.contains(*path)).cloned().collect()
    }

    /// The paths of the skip list that no entry had.
    pub fn unmatched_skips(&self) -> Vec<String> {
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        self.skip.iter().filter(|path| !met.contains(*path)).cloned().collect()
    }
}

impl EntryFilter for Modifier {
    fn decide(&self, path: &str, owner: Owner, mode: u32) -> Verdict {
        self.apply(path, owner, mode)
    }

    /// Unlike those of directories, entries of archives keep their xattrs under canonical permissions, as in the reference
    /// program.
    fn keeps_xattrs(&self) -> bool {
        !self.no_xattrs
    }

    fn label(&self, path: &str, mode: u32) -> Option<String> {
        self.labeler.as_ref().and_then(|labeler| labeler.0(path, mode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_apply_in_order() {
        let modifier = Modifier {
            owner_uid: Some(5),
            read_only_executables: true,
            stat_overrides: BTreeMap::from([
                ("/a".into(), StatOverride::Add(0o4000)),
                ("/b".into(), StatOverride::Replace(0o600)),
                ("/never".into(), StatOverride::Add(1)),
            ]),
            skip: BTreeSet::from(["/c".into(), "/d".into()]),
            ..Modifier::default()
        };
        let owner = Owner { uid: 1, gid: 2 };
        let new = Owner { uid: 5, gid: 2 };
        assert_eq!(modifier.apply("/a", owner, 0o100755), Verdict::Keep { owner: new, mode: 0o104555 });
        assert_eq!(modifier.apply("/b", owner, 0o100644), Verdict::Keep { owner: new, mode: 0o100600 });
        assert_eq!(modifier.apply("/c", owner, 0o100644), Verdict::Skip);
        assert_eq!(modifier.unmatched_overrides(), ["/never"]);
        assert_eq!(modifier.unmatched_skips(), ["/d"]);
    }

    #[test]
    fn canonical_permissions() {
        let modifier = Modifier { canonical_permissions: true, ..Modifier::default() };
        let owner = Owner { uid: 1, gid: 2 };
        let root = Owner::default();
        assert_eq!(modifier.apply("/a", owner, 0o106775), Verdict::Keep { owner: root, mode: 0o100755 });
        assert_eq!(modifier.apply("/l", owner, 0o120777), Verdict::Keep { owner: root, mode: 0o120777 });
        assert!(!modifier.keeps_xattrs());
    }
}
