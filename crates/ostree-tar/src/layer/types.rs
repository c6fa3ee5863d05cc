//! How a layer is to be read, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ostree_core::FileId;
use ostree_core::tree::MutableTree;

/// Where a layer's `/var` goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VarPlace {
    /// It stays `/var`, which libostree from 2024.3 on takes as the content of a fresh `/var`.
    #[default]
    Keep,
    /// It becomes `/usr/share/factory/var`, as before.
    Factory,
}

/// Gives the SELinux label for an absolute path of the tree, `/usr/etc/x`, and its mode with type bits; `None` leaves what the
/// layer has. The NUL that ends the value of `security.selinux` is added.
pub type Labeller<'o> = &'o (dyn Fn(&str, u32) -> Option<String> + Sync);

/// How a layer is read.
#[derive(Default, Clone, Copy)]
pub struct LayerOptions<'o> {
    /// Where `/var` goes.
    pub var: VarPlace,
    /// Keeps what is outside `/usr`, `/etc` and `/var`.
    pub allow_nonusr: bool,
    /// Leaves out devices, FIFOs and overlay whiteout nodes (character device 0/0), and lists them in
    /// [`LayerContents::skipped`], where otherwise they are refused.
    pub skip_special: bool,
    /// Labels files, symlinks and directories, but not whiteouts. A file object with several paths is written once for each
    /// label that they have.
    pub label: Option<Labeller<'o>>,
    /// How many threads hash and write small files besides the one that reads; with 0 that one does it. The result does not
    /// depend on it.
    pub writers: usize,
}

impl fmt::Debug for LayerOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerOptions")
            .field("var", &self.var)
            .field("allow_nonusr", &self.allow_nonusr)
            .field("skip_special", &self.skip_special)
            .field("label", &self.label.is_some())
            .field("writers", &self.writers)
            .finish()
    }
}

/// What a layer holds.
#[derive(Debug, Default)]
pub struct LayerContents {
    /// The tree. Its file objects and dirmetas are in the store; the dirtrees are written by [`MutableTree::write`]. Every
    /// directory has metadata; those in `implicit` mode 0755, owner 0:0 and no xattrs but a label.
    pub tree: MutableTree,
    /// The absolute paths of the directories that the layer does not describe itself, `/` too.
    pub implicit: BTreeSet<String>,
    /// The hard links whose target is not in this layer, by path. They are not in the tree, but the directories above them
    /// are.
    pub links: Vec<LowerLink>,
    /// Files that were written to the store and are not in the tree, because they were left out or replaced. Links to them
    /// were followed.
    pub leftovers: BTreeSet<FileId>,
    /// How many entries were left out: those in `run`, `tmp`, `proc`, `sys` and `dev` under the name of the second
    /// component of their path, as ostree-ext has it, others under that of the first.
    pub filtered: BTreeMap<String, u64>,
    /// The absolute paths, as the layer has them, of what was left out, in the order of the stream; as many as
    /// [`MAX_LISTED`](crate::limits::MAX_LISTED) allows.
    pub filtered_paths: Vec<String>,
    /// The absolute paths, as the layer has them, of special files left out by [`LayerOptions::skip_special`], in the order
    /// of the stream; as many as [`MAX_LISTED`](crate::limits::MAX_LISTED) allows.
    pub skipped: Vec<String>,
}

/// A hard link to something in a lower layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LowerLink {
    /// Where it stands in the tree, an absolute path.
    pub path: String,
    /// What it leads to.
    pub target: LowerTarget,
}

/// What a hard link to a lower layer leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LowerTarget {
    /// A file by its absolute path in the tree; where that path is one that is left out, by its path in the image.
    Path(String),
    /// An object of the commit the image encapsulates.
    Object(FileId),
}
