//! The entries of the checkout: directories, and files as links to their objects.

use ostree_core::{FileId, Owner};
use tar::EntryType;

use super::encode::{Head, TarOut, Trace};
use super::objects::{Attributes, Flavour};
use crate::error::TarError;
use crate::path::object_path;

/// Where a checkout entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// In the walk of a tree; a file right behind its object.
    Walk,
    /// In the walk of a tree, for a file whose object stands elsewhere.
    WalkApart,
    /// Behind its object in a layer.
    Layer,
}

/// Writes a directory in the walk of a tree. The root has the name `./`.
pub(super) fn directory(
    out: &mut TarOut<'_>,
    path: &str,
    (mode, owner): (u32, Owner),
    flavour: Flavour,
) -> Result<(), TarError> {
    let path = match path {
        "" => "./",
        "etc" if flavour == Flavour::Shared => "etc/",
        path => path,
    };
    let dotted = flavour == Flavour::Shared;
    out.head(&Head { dotted, owner, ..Head::plain(path, EntryType::Directory, mode, 0) })
}

/// Writes a file of the checkout: a hard link to its object, or, if it is empty, an empty file of its own, because
/// containers that append to a linked empty file would change the object.
pub(super) fn file(
    out: &mut TarOut<'_>,
    path: &str,
    id: &FileId,
    attributes: &Attributes,
    position: Position,
) -> Result<(), TarError> {
    let target = object_path(&id.object());
    let (kind, link) =
        if attributes.empty_file { (EntryType::Regular, None) } else { (EntryType::Link, Some(target.as_str())) };
    let trace = match position {
        _ if !attributes.shared => Trace::Clean,
        Position::Walk | Position::Layer => Trace::Reused { name: &target, link_end: attributes.link_end },
        Position::WalkApart if attributes.empty_file => Trace::Untyped,
        Position::WalkApart => Trace::Clean,
    };
    let dotted = attributes.shared && position != Position::Layer;
    let plain = Head::plain(path, kind, attributes.permissions, 0);
    out.head(&Head { dotted, owner: attributes.owner, link, trace, ..plain })
}
