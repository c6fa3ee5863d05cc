//! What differs between two trees, each a commit's or a directory of the file system.

use std::ffi::OsString;
use std::path::PathBuf;

use ostree_core::error::ObjectError;
use ostree_core::limits::MAX_TREE_DEPTH;

use crate::diff_side::{Child, Children, LocalRules, Tree, in_order};
use crate::error::RepoError;
use crate::mode::RepoMode;
use crate::repo::Repo;

pub use crate::diff_side::DiffSide;
pub use crate::diff_stats::{DiffStats, stats};

/// How to compare.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiffOptions {
    /// Leave out the xattrs of local files (`--no-xattrs`). Those in commits always count. Where the repository keeps
    /// none, they are left out anyway.
    pub no_xattrs: bool,
    /// The owner to take for local files of the second side (`--owner-uid`).
    pub owner_uid: Option<u32>,
    /// The group to take for local files of the second side (`--owner-gid`).
    pub owner_gid: Option<u32>,
}

/// What differs. Paths start with `/` if they come from a commit and are relative if they come from a directory: those of
/// modified and removed entries are the first side's, those of added ones the second's. Within a directory files come
/// before directories, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// Entries on both sides that differ in type, content, owner, mode or xattrs. Of a directory only its own attributes
    /// count.
    pub modified: Vec<PathBuf>,
    /// Entries of the first side only. What is in a removed directory is not listed.
    pub removed: Vec<PathBuf>,
    /// Entries of the second side only, with everything in an added directory.
    pub added: Vec<PathBuf>,
}

/// Compares the trees below two roots; the attributes of the roots themselves do not count.
pub fn diff(repo: &Repo, a: &DiffSide<'_>, b: &DiffSide<'_>, options: &DiffOptions) -> Result<Diff, RepoError> {
    let no_xattrs = options.no_xattrs || repo.config().disable_xattrs || repo.mode() == RepoMode::BareUserOnly;
    let rules_a = LocalRules { no_xattrs, ..LocalRules::default() };
    let rules_b = LocalRules { no_xattrs, uid: options.owner_uid, gid: options.owner_gid };
    let prefix = |side: &DiffSide<'_>| PathBuf::from(if matches!(side, DiffSide::Commit(_)) { "/" } else { "" });
    let root = Pair {
        a: Tree::root(repo, a, rules_a)?,
        b: Tree::root(repo, b, rules_b)?,
        path_a: prefix(a),
        path_b: prefix(b),
    };
    let mut comparison = Comparison { repo, found: Diff::default() };
    comparison.run(root)?;
    Ok(comparison.found)
}

/// Two directories of the same name.
struct Pair {
    a: Tree,
    b: Tree,
    path_a: PathBuf,
    path_b: PathBuf,
}

/// A pair whose entries are being compared.
struct Frame {
    pair: Pair,
    left: Children,
    right: Children,
    /// The names of `left` that are still to be compared, the next one last.
    pending: Vec<OsString>,
}

struct Comparison<'r> {
    repo: &'r Repo,
    found: Diff,
}

impl Comparison<'_> {
    /// Goes through the trees without recursion, because a hostile commit may be deeper than the stack.
    fn run(&mut self, root: Pair) -> Result<(), RepoError> {
        let mut stack: Vec<Frame> = self.open(root)?.into_iter().collect();
        while let Some(frame) = stack.last_mut() {
            match frame.pending.pop() {
                Some(name) => {
                    if let Some(pair) = self.compare(frame, &name)? {
                        let opened = self.open(pair)?;
                        stack.extend(opened);
                        check_depth(stack.len())?;
                    }
                }
                None => {
                    let Some(frame) = stack.pop() else { break };
                    self.add_new(frame)?;
                }
            }
        }
        Ok(())
    }

    /// Lists both directories; `None` if they are one and the same stored tree.
    fn open(&self, pair: Pair) -> Result<Option<Frame>, RepoError> {
        if let (Tree::Stored(a), Tree::Stored(b)) = (&pair.a, &pair.b)
            && a == b
        {
            return Ok(None);
        }
        let (left, right) = (pair.a.children(self.repo)?, pair.b.children(self.repo)?);
        let mut pending = in_order(&left);
        pending.reverse();
        Ok(Some(Frame { pair, left, right, pending }))
    }

    /// Compares one entry of the first side; gives the pair to go into if both sides have a directory.
    fn compare(&mut self, frame: &Frame, name: &OsString) -> Result<Option<Pair>, RepoError> {
        let Frame { pair, left, right, .. } = frame;
        let Some(ours) = left.get(name) else { return Ok(None) };
        let path_a = pair.path_a.join(name);
        let Some(theirs) = right.get(name) else {
            self.found.removed.push(path_a);
            return Ok(None);
        };
        if ours.is_dir() != theirs.is_dir() {
            self.found.modified.push(path_a);
            return Ok(None);
        }
        if pair.a.checksum(self.repo, name, ours)? != pair.b.checksum(self.repo, name, theirs)? {
            self.found.modified.push(path_a.clone());
        }
        if !ours.is_dir() {
            return Ok(None);
        }
        let (a, b) = (pair.a.enter(name, ours)?, pair.b.enter(name, theirs)?);
        Ok(Some(Pair { a, b, path_a, path_b: pair.path_b.join(name) }))
    }

    /// Lists what only the second side has.
    fn add_new(&mut self, frame: Frame) -> Result<(), RepoError> {
        let Frame { pair, left, mut right, .. } = frame;
        right.retain(|name, _| !left.contains_key(name));
        let mut stack = vec![Level::new(pair.b, pair.path_b, right)];
        while let Some(level) = stack.last_mut() {
            let Some((name, child)) = level.pending.pop() else {
                stack.pop();
                continue;
            };
            let path = level.path.join(&name);
            self.found.added.push(path.clone());
            if child.is_dir() {
                let tree = level.tree.enter(&name, &child)?;
                let children = tree.children(self.repo)?;
                stack.push(Level::new(tree, path, children));
                check_depth(stack.len())?;
            }
        }
        Ok(())
    }
}

/// A directory whose entries are being listed as added, the next one last.
struct Level {
    tree: Tree,
    path: PathBuf,
    pending: Vec<(OsString, Child)>,
}

impl Level {
    fn new(tree: Tree, path: PathBuf, mut children: Children) -> Self {
        let names = in_order(&children).into_iter().rev();
        let pending = names.filter_map(|name| children.remove_entry(&name)).collect();
        Self { tree, path, pending }
    }
}

fn check_depth(depth: usize) -> Result<(), RepoError> {
    match depth > MAX_TREE_DEPTH {
        true => Err(ObjectError::invalid("tree", format!("directories nest deeper than {MAX_TREE_DEPTH}")).into()),
        false => Ok(()),
    }
}
