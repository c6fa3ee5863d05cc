//! The order in which a commit's tree is walked: a directory's files, then each subdirectory with all that is in it.

use std::collections::HashSet;

use ostree_core::limits::MAX_TREE_DEPTH;
use ostree_core::{DirEntry, DirMetaId, DirTree, DirTreeId, FileId, ObjectError, StoreError};

use super::checkout::{Checkout, Show};
use crate::error::TarError;
use crate::path::SYSROOT;

/// What is done at each step of a walk. `shown` is the path in the checkout, `None` where there is no entry.
pub(super) trait Visitor {
    /// A directory's entries are needed.
    fn dirtree(&mut self, id: &DirTreeId) -> Result<DirTree, TarError>;
    /// A file.
    fn file(&mut self, id: &FileId, shown: Option<&str>) -> Result<(), TarError>;
    /// A directory, before it is walked. Not called for the root.
    fn dir(&mut self, meta: &DirMetaId, shown: Option<&str>) -> Result<(), TarError>;
}

/// A directory being walked: its path in the commit and the subdirectories that are still to come.
struct Frame {
    path: String,
    shown: bool,
    dirs: std::vec::IntoIter<DirEntry>,
}

struct Walk<'w> {
    checkout: &'w mut Checkout,
    visitor: &'w mut dyn Visitor,
    stack: Vec<Frame>,
    seen: HashSet<DirTreeId>,
}

/// Walks the tree below `root`. What is in the top-level `sysroot` comes last of all, because ostree-ext does not write
/// it: so everything that it does write stands where it writes it.
pub(super) fn walk(root: DirTreeId, checkout: &mut Checkout, visitor: &mut dyn Visitor) -> Result<(), TarError> {
    let mut walk = Walk { checkout, visitor, stack: Vec::new(), seen: HashSet::new() };
    let mut sysroot = None;
    walk.enter(&root, String::new(), true)?;
    while let Some((dir, path, shown)) = walk.next() {
        if path == SYSROOT {
            walk.visitor.dir(&dir.meta, None)?;
            sysroot = Some(dir.tree);
            continue;
        }
        let (target, show) = if shown { walk.checkout.show(&path, true) } else { ("", Show::Nothing) };
        walk.visitor.dir(&dir.meta, (show == Show::Entry).then_some(target))?;
        walk.enter(&dir.tree, path, show != Show::Nothing)?;
    }
    if let Some(tree) = sysroot {
        walk.enter(&tree, SYSROOT.to_owned(), false)?;
        while let Some((dir, path, _)) = walk.next() {
            walk.visitor.dir(&dir.meta, None)?;
            walk.enter(&dir.tree, path, false)?;
        }
    }
    Ok(())
}

impl Walk<'_> {
    /// The next subdirectory, its path and whether its parent is shown.
    fn next(&mut self) -> Option<(DirEntry, String, bool)> {
        while let Some(frame) = self.stack.last_mut() {
            if let Some(dir) = frame.dirs.next() {
                let path = join(&frame.path, dir.name.as_str());
                return Some((dir, path, frame.shown));
            }
            self.stack.pop();
        }
        None
    }

    fn enter(&mut self, id: &DirTreeId, path: String, shown: bool) -> Result<(), TarError> {
        let first = self.seen.insert(*id);
        if !first && !shown {
            return Ok(());
        }
        if self.stack.len() > MAX_TREE_DEPTH {
            let reason = format!("directories nest deeper than {MAX_TREE_DEPTH}");
            let source = StoreError::Invalid(ObjectError::invalid("tree", reason));
            return Err(TarError::export(id.object())(source));
        }
        let tree = self.visitor.dirtree(id)?;
        for entry in tree.files() {
            let path = join(&path, entry.name.as_str());
            let target = shown.then(|| self.checkout.show(&path, false)).filter(|(_, show)| *show == Show::Entry);
            self.visitor.file(&entry.file, target.map(|(target, _)| target))?;
        }
        self.stack.push(Frame { path, shown, dirs: tree.dirs().to_vec().into_iter() });
        Ok(())
    }
}

/// The path of an entry of a directory; the root is the empty path.
fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}
