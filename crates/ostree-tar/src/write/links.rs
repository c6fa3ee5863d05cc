//! The entries of the checkout: directories, and files as links to their objects.

use ostree_core::{FileId, Owner};
use tar::EntryType;

use super::encode::{Head, TarOut};
use super::objects::Attributes;
use crate::error::TarError;
use crate::path::object_path;

/// How the names of checkout entries are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NameStyle {
    /// Long names have a leading `./`.
    pub(super) dotted: bool,
    /// `etc`, where it stands for `usr/etc`, has a slash at the end.
    pub(super) etc_slash: bool,
}

impl NameStyle {
    /// Names as they are.
    pub(super) const PLAIN: Self = Self { dotted: false, etc_slash: false };
    /// Names as ostree-ext 0.15.3 writes them while it walks a tree.
    pub(super) const WALKED: Self = Self { dotted: true, etc_slash: true };
}

/// Writes a directory. The root has the name `./`.
pub(super) fn directory(
    out: &mut TarOut<'_>,
    path: &str,
    (mode, owner): (u32, Owner),
    style: NameStyle,
) -> Result<(), TarError> {
    let path = match path {
        "" => "./",
        "etc" if style.etc_slash => "etc/",
        path => path,
    };
    let dotted = style.dotted;
    out.head(&Head { dotted, owner, ..Head::plain(path, EntryType::Directory, mode, 0) })
}

/// Writes a file of the checkout: a hard link to its object, or, if it is empty, an empty file of its own, because
/// containers that append to a linked empty file would change the object.
pub(super) fn file(
    out: &mut TarOut<'_>,
    path: &str,
    id: &FileId,
    attributes: &Attributes,
    style: NameStyle,
) -> Result<(), TarError> {
    let target = object_path(&id.object());
    let (kind, link) =
        if attributes.empty_file { (EntryType::Regular, None) } else { (EntryType::Link, Some(target.as_str())) };
    let plain = Head::plain(path, kind, attributes.permissions, 0);
    out.head(&Head { dotted: style.dotted, owner: attributes.owner, link, ..plain })
}
