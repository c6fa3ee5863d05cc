//! The files of a layer and the hard links among them.

use super::namespace::{Found, Namespace};
use super::place::Place;
use super::types::LowerTarget;
use crate::error::Reason;
use crate::path;

/// What a leaf of the layer's names is.
#[derive(Debug)]
pub(super) enum Inode {
    /// A file or symlink, whose object is written under the inode's number.
    File(File),
    /// A hard link whose target had not come when it came.
    Link(Link),
}

/// A file or symlink.
#[derive(Debug)]
pub(super) struct File {
    /// Type bits included.
    pub(super) mode: u32,
    /// The label its object was written with.
    pub(super) label: Option<u32>,
    /// The label that the layer gave it, if another was written.
    pub(super) own_label: Option<Box<[u8]>>,
    /// Whether it has several paths, or had.
    pub(super) linked: bool,
}

/// A hard link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) target: Target,
    /// Where its entry starts in the stream, for messages.
    pub(super) offset: u64,
}

/// What a hard link leads to; paths are relative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A path of the tree.
    Kept(String),
    /// A path in the layer that is no part of the tree.
    Hidden(String),
}

impl Target {
    /// The target whose path in the layer is `original`, and that goes to `place`.
    pub(super) fn new(original: String, place: Place) -> Self {
        match place {
            Place::Kept(path) => Self::Kept(path),
            Place::Dropped(_) | Place::Leftover => Self::Hidden(original),
        }
    }

    pub(super) fn path(&self) -> &str {
        match self {
            Self::Kept(path) | Self::Hidden(path) => path,
        }
    }

    /// The target as something of a lower layer.
    pub(super) fn lower(&self) -> LowerTarget {
        match (self, path::place(self.path().as_bytes())) {
            (Self::Hidden(_), Ok(path::Place::File(id))) => LowerTarget::Object(id),
            _ => LowerTarget::Path(format!("/{}", self.path())),
        }
    }
}

/// The names of a layer.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Those of the tree.
    pub(super) kept: Namespace,
    /// Those that are no part of the tree, as the layer has them.
    pub(super) hidden: Namespace,
    /// What else is kept, in bytes: the targets of links, the paths that the result lists.
    pub(super) other_cost: usize,
    /// How much all of it may cost, in bytes.
    pub(super) limit: usize,
}

impl Names {
    /// No names yet.
    pub(super) fn within(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Counts what is kept besides names. Paths are long where directories are deep, so this can be far more than what was
    /// read.
    pub(super) fn charge(&mut self, bytes: usize) {
        self.other_cost = self.other_cost.saturating_add(bytes);
    }

    /// Refuses more than the limit.
    pub(super) fn check(&self) -> Result<(), Reason> {
        let cost = self.kept.cost.saturating_add(self.hidden.cost).saturating_add(self.other_cost);
        if cost > self.limit { Err(Reason::LayerMemory { limit: self.limit }) } else { Ok(()) }
    }

    pub(super) fn find(&self, target: &Target) -> Option<Found> {
        match target {
            Target::Kept(path) => self.kept.find(path),
            Target::Hidden(path) => self.hidden.find(path),
        }
    }
}

/// What a link leads to in the end. Each names an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// This file of the layer.
    File(usize),
    /// What this link names, which is not in the layer.
    Lower(usize),
    /// What this link names is a directory.
    Directory(usize),
    /// Itself, perhaps over others.
    Circle,
}

/// For each inode what it leads to, if links that lead to links are followed.
pub(super) fn ends(inodes: &[Inode], names: &Names) -> Vec<Option<End>> {
    let mut ends = vec![None; inodes.len()];
    for start in 0..inodes.len() {
        let mut way = Vec::new();
        let mut at = start;
        let end = loop {
            let (Some(inode), Some(known)) = (inodes.get(at), ends.get_mut(at)) else { break End::Circle };
            match (inode, *known) {
                (_, Some(end)) => break end,
                (Inode::File(_), None) => break End::File(at),
                (Inode::Link(link), None) => {
                    // For now: whoever comes here again has gone round.
                    *known = Some(End::Circle);
                    way.push(at);
                    match names.find(&link.target) {
                        Some(Found::Leaf(next)) => at = next,
                        Some(Found::Dir) => break End::Directory(at),
                        None => break End::Lower(at),
                    }
                }
            }
        };
        for link in way {
            if let Some(known) = ends.get_mut(link) {
                *known = Some(end);
            }
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends of inodes with these names; a name with a target is a link.
    fn ends_of(pairs: &[(&str, Option<&str>)]) -> Vec<Option<End>> {
        let mut names = Names::default();
        let mut inodes = Vec::new();
        for (at, (name, target)) in pairs.iter().enumerate() {
            names.kept.put_leaf(name, at).unwrap();
            inodes.push(match target {
                None => Inode::File(File { mode: 0, label: None, own_label: None, linked: false }),
                Some(target) => Inode::Link(Link { target: Target::Kept((*target).to_owned()), offset: 0 }),
            });
        }
        ends(&inodes, &names)
    }

    #[test]
    fn chains_end_in_files_or_below() {
        let ends = ends_of(&[("d", Some("c")), ("c", Some("b")), ("b", None), ("x", Some("d"))]);
        assert_eq!(ends, [Some(End::File(2)), Some(End::File(2)), None, Some(End::File(2))]);
        assert_eq!(ends_of(&[("b", Some("a")), ("c", Some("b"))]), [Some(End::Lower(0)); 2]);
        assert_eq!(ends_of(&[("a/b", None), ("c", Some("a"))]), [None, Some(End::Directory(1))]);
    }

    #[test]
    fn circles_are_seen() {
        assert_eq!(ends_of(&[("a", Some("a"))]), [Some(End::Circle)]);
        let round = [("x", Some("a")), ("a", Some("b")), ("b", Some("a")), ("y", Some("b"))];
        assert_eq!(ends_of(&round), [Some(End::Circle); 4]);
    }

    #[test]
    fn objects_are_known_by_their_place() {
        let hex = "28af666cd8036303fcab1a13f2ef7f9c9e92b6a392206017d50b932c8ff4daf9";
        let path = format!("sysroot/ostree/repo/objects/{}/{}.file", &hex[..2], &hex[2..]);
        assert_eq!(Target::Hidden(path).lower(), LowerTarget::Object(hex.parse().unwrap()));
        let path = "sysroot/ostree/repo/objects/28/x.file";
        assert_eq!(Target::Hidden(path.into()).lower(), LowerTarget::Path(format!("/{path}")));
        assert_eq!(Target::Kept("usr/x".into()).lower(), LowerTarget::Path("/usr/x".into()));
    }
}
