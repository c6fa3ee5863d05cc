//! Names in the stream and what they stand for: object names, repository files, checkout paths.

use ostree_core::{Checksum, CommitId, FileId, ObjectKind, ObjectName};

use crate::error::Reason;

/// The top-level directory that the repository stands under.
pub const SYSROOT: &str = "sysroot";
/// The repository, without a slash at the end.
pub const REPO: &str = "sysroot/ostree/repo";
/// The content of the repository's `config`.
pub const REPO_CONFIG: &str = "[core]\nrepo_version=1\nmode=bare-split-xattrs\n";

/// The path of an object in the stream.
pub fn object_path(name: &ObjectName) -> String {
    let text = name.checksum.to_string();
    let (first, rest) = text.split_at(2);
    format!("{REPO}/objects/{first}/{rest}.{}", name.kind)
}

/// Where a path of the commit stands in the checkout: `usr/etc` is shown as `etc`. No leading slash on either.
pub fn checkout_path(path: &str) -> &str {
    match path.strip_prefix("usr/etc") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => path.strip_prefix("usr/").unwrap_or(path),
        _ => path,
    }
}

/// What an entry of the stream is, by its name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// No part of the objects: the checkout, or a file of the repository that says nothing.
    Elsewhere,
    /// The commit object.
    Commit(CommitId),
    /// The detached metadata of a commit.
    CommitMeta(CommitId),
    /// A dirtree or dirmeta.
    Metadata(ObjectName),
    /// A regular file or symlink.
    File(FileId),
    /// A set of xattrs, named by its checksum: a `.file-xattrs`, or in format 0 a file in `xattrs/`.
    Xattrs(Checksum),
    /// What says which xattrs a file has.
    XattrsLink {
        /// The file.
        file: FileId,
        /// Whether this is format 0, where it is always a hard link.
        v0: bool,
    },
}

/// What a name stands for. A leading `./`, as format 0 has it, is dropped. Names that are absolute, or have a `..` or a NUL
/// in them, are refused wherever they stand: no writer of the format makes them, and whoever unpacks the image could be
/// led astray.
pub fn place(path: &[u8]) -> Result<Place, Reason> {
    let path = std::str::from_utf8(path).map_err(|_| Reason::NonUtf8)?;
    if path.starts_with('/') || path.contains('\0') || path.split('/').any(|part| part == "..") {
        return Err(Reason::UnsafePath(path.escape_default().to_string()));
    }
    let Some(inner) = relative(path).strip_prefix(REPO).and_then(|rest| rest.strip_prefix('/')) else {
        return Ok(Place::Elsewhere);
    };
    if let Some(name) = inner.strip_prefix("objects/") {
        return object_place(name);
    }
    if let Some(name) = inner.strip_prefix("xattrs/") {
        return checksum(name).map(Place::Xattrs);
    }
    Ok(Place::Elsewhere)
}

/// The set of xattrs that the target of a hard link names: another object's path, or in format 0 a path in `xattrs/`.
pub fn xattrs_target(target: &[u8], v0: bool) -> Result<Checksum, Reason> {
    let target = std::str::from_utf8(target).map_err(|_| Reason::NonUtf8)?;
    if v0 {
        return checksum(target.rsplit('/').next().unwrap_or(target));
    }
    let mut parts = target.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let parent = parts.next().unwrap_or_default();
    split_name(parent, name).map(|(checksum, _, _)| checksum)
}

fn relative(mut path: &str) -> &str {
    while let Some(rest) = path.strip_prefix("./") {
        path = rest;
    }
    path
}

fn checksum(text: &str) -> Result<Checksum, Reason> {
    text.parse().map_err(|_| Reason::Checksum(text.to_owned()))
}

/// The checksum, whether `.file` stands before the extension, and the extension.
fn split_name<'a>(parent: &str, name: &'a str) -> Result<(Checksum, bool, &'a str), Reason> {
    if parent.len() != 2 {
        return Err(Reason::ChecksumParent(parent.to_owned()));
    }
    let (stem, extension) = name.rsplit_once('.').ok_or_else(|| Reason::ObjectType(name.to_owned()))?;
    let (stem, double) = stem.strip_suffix(".file").map_or((stem, false), |stem| (stem, true));
    if stem.len() != 62 {
        return Err(Reason::ChecksumPart(stem.to_owned()));
    }
    Ok((checksum(&format!("{parent}{stem}"))?, double, extension))
}

fn object_place(path: &str) -> Result<Place, Reason> {
    let (parent, name) = path.split_once('/').ok_or_else(|| Reason::ChecksumParent(path.to_owned()))?;
    let (checksum, double, extension) = split_name(parent, name)?;
    let kind = match (extension, double) {
        ("xattrs", true) => return Ok(Place::XattrsLink { file: FileId::new(checksum), v0: true }),
        (_, true) => return Err(Reason::ObjectType(format!("file.{extension}"))),
        _ => extension.parse::<ObjectKind>().map_err(|_| Reason::ObjectType(extension.to_owned()))?,
    };
    match kind {
        ObjectKind::Commit => Ok(Place::Commit(CommitId::new(checksum))),
        ObjectKind::CommitMeta => Ok(Place::CommitMeta(CommitId::new(checksum))),
        ObjectKind::DirTree | ObjectKind::DirMeta => Ok(Place::Metadata(ObjectName::new(kind, checksum))),
        ObjectKind::File => Ok(Place::File(FileId::new(checksum))),
        ObjectKind::FileXattrs => Ok(Place::Xattrs(checksum)),
        ObjectKind::FileXattrsLink => Ok(Place::XattrsLink { file: FileId::new(checksum), v0: false }),
        ObjectKind::TombstoneCommit | ObjectKind::PayloadLink => Err(Reason::ObjectType(extension.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "28af666cd8036303fcab1a13f2ef7f9c9e92b6a392206017d50b932c8ff4daf9";

    fn object(extension: &str) -> String {
        format!("{REPO}/objects/{}/{}.{extension}", &HEX[..2], &HEX[2..])
    }

    #[test]
    fn object_paths_round_trip() {
        let id: FileId = HEX.parse().unwrap();
        assert_eq!(object_path(&id.object()), object("file"));
        assert_eq!(object_path(&id.object()).len(), 98);
        assert_eq!(place(object("file").as_bytes()).unwrap(), Place::File(id));
        assert_eq!(place(format!("./{}", object("file")).as_bytes()).unwrap(), Place::File(id));
        let link = Place::XattrsLink { file: id, v0: false };
        assert_eq!(place(object("file-xattrs-link").as_bytes()).unwrap(), link);
        let old = Place::XattrsLink { file: id, v0: true };
        assert_eq!(place(object("file.xattrs").as_bytes()).unwrap(), old);
        let blob = format!("./{REPO}/xattrs/{HEX}");
        assert_eq!(place(blob.as_bytes()).unwrap(), Place::Xattrs(*id.checksum()));
        assert_eq!(xattrs_target(blob.as_bytes(), true).unwrap(), *id.checksum());
        assert_eq!(xattrs_target(object("file-xattrs").as_bytes(), false).unwrap(), *id.checksum());
    }

    #[test]
    fn other_names_are_elsewhere() {
        for path in ["usr/bin/bash", "./", "sysroot/ostree/repo/config", "sysroot/ostree/repo/refs/heads/objects/x"] {
            assert_eq!(place(path.as_bytes()).unwrap(), Place::Elsewhere, "{path}");
        }
    }

    #[test]
    fn malformed_object_names_are_refused_in_the_known_words() {
        let refused = |path: &str| place(format!("{REPO}/objects/{path}").as_bytes()).unwrap_err().to_string();
        assert_eq!(refused("abc/x.file"), "Invalid checksum parent abc");
        assert_eq!(refused("ab/x.file"), "Invalid checksum part x");
        assert!(refused(&format!("ab/{}.file", "A".repeat(62))).starts_with("Invalid sha256 checksum abAAA"));
        assert_eq!(refused(&format!("ab/{}.exe", &HEX[2..])), "Invalid object type exe");
        assert_eq!(refused(&format!("ab/{}.file.file", &HEX[2..])), "Invalid object type file.file");
        assert_eq!(place(b"\xff").unwrap_err().to_string(), "Invalid non-utf8 path");
    }

    #[test]
    fn names_that_lead_astray_are_refused_wherever_they_stand() {
        for path in ["/usr/bin/bash", "usr/../etc/shadow", "..", "a\0b", &format!("/{REPO}/config")] {
            assert!(matches!(place(path.as_bytes()), Err(Reason::UnsafePath(_))), "{path:?}");
        }
        let dots = format!("{REPO}/objects/../../x.file");
        assert_eq!(place(dots.as_bytes()).unwrap_err().to_string(), format!("Invalid path: {dots}"));
        assert_eq!(place(b"usr/bin/..data").unwrap(), Place::Elsewhere);
    }

    #[test]
    fn only_usr_etc_itself_is_moved() {
        assert_eq!(checkout_path("usr/etc"), "etc");
        assert_eq!(checkout_path("usr/etc/a/b"), "etc/a/b");
        assert_eq!(checkout_path("usr/etcetera"), "usr/etcetera");
        assert_eq!(checkout_path("etc/a"), "etc/a");
    }
}
