//! A tree as an ordinary layer of an image: files with their content, no repository.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;

use ostree_core::limits::MAX_TREE_DEPTH;
use ostree_core::tree::{MutableTree, Node};
use ostree_core::{CommitId, DirMetaId, FileId, ObjectError, ReadObject, mode, walk};
use tar::EntryType;

use super::encode::{Head, TarOut, Trace};
use super::objects::{OpenFile, Stats, open};
use crate::error::TarError;

/// What the names of whiteouts begin with.
const WHITEOUT: &str = ".wh.";
/// Where older mappings put `/var`.
const FACTORY: &str = "usr/share/factory/";

/// How a tree becomes a layer.
#[derive(Debug, Clone, Copy)]
pub struct RawOptions<'o> {
    /// The commit whose tree, or part of it, this is; for messages.
    pub commit: CommitId,
    /// The absolute paths of directories that get no entry, `/` too.
    pub implicit: &'o BTreeSet<String>,
    /// Whether `/usr/share/factory/var` stands for `/var`.
    pub factory_var: bool,
}

/// Writes a tree as an ordinary layer: in each directory the whiteouts, the other files, then the subdirectories, each by
/// name. The counterpart of [`crate::read_layer`]: `usr/etc` becomes `etc`, whiteouts are the empty files they are in
/// layers, xattrs are PAX records, SELinux labels are left out, times are 0. Of equal files outside `/etc` and `/var`, where
/// files are changed in place, the first has the content and the others are hard links to it.
///
/// # Errors
/// [`TarError::Export`] and [`TarError::Content`] for what cannot be read, [`TarError::Write`] for what cannot be written.
pub fn write_raw_layer(
    store: &dyn ReadObject,
    tree: &mut MutableTree,
    options: RawOptions<'_>,
    mut out: impl Write,
) -> Result<Stats, TarError> {
    raw_layer(store, tree, options, TarOut::new(&mut out))
}

/// Writes the layer to a stream.
pub(super) fn raw_layer<'a>(
    store: &'a dyn ReadObject,
    tree: &mut MutableTree,
    options: RawOptions<'a>,
    out: TarOut<'a>,
) -> Result<Stats, TarError> {
    let mut writer = RawWriter { store, options, out, first: HashMap::new(), stats: Stats::default() };
    writer.directory(tree, &mut String::new(), 0)?;
    Ok(Stats { stream_bytes: writer.out.finish()?, ..writer.stats })
}

struct RawWriter<'a> {
    store: &'a dyn ReadObject,
    options: RawOptions<'a>,
    out: TarOut<'a>,
    /// Where each file that may be linked to was written first.
    first: HashMap<FileId, String>,
    stats: Stats,
}

impl RawWriter<'_> {
    /// Writes a directory and what is in it. `path` has no leading slash; the root is empty.
    fn directory(&mut self, dir: &mut MutableTree, path: &mut String, depth: usize) -> Result<(), TarError> {
        let failed = TarError::export(self.options.commit.object());
        if depth > MAX_TREE_DEPTH {
            let reason = format!("directories nest deeper than {MAX_TREE_DEPTH}");
            return Err(failed(ObjectError::invalid("tree", reason).into()));
        }
        if let Some(meta) = dir.meta()
            && !self.options.implicit.contains(&format!("/{path}"))
        {
            self.head_of_directory(&meta, path)?;
        }
        let mut dirs = Vec::new();
        let mut files = Vec::new();
        for (name, node) in dir.entries_mut(self.store).map_err(failed)? {
            match node {
                Node::File(id) => files.push((!name.as_str().starts_with(WHITEOUT), name.clone(), *id)),
                Node::Dir(child) => dirs.push((name.clone(), child)),
            }
        }
        // Programs that unpack while they read would take away what stands before an opaque mark.
        files.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let length = path.len();
        for (content, name, id) in files {
            push(path, name.as_str());
            match content {
                true => self.file(&id, path)?,
                false => self.whiteout(path)?,
            }
            path.truncate(length);
        }
        for (name, child) in dirs {
            push(path, name.as_str());
            self.directory(child, path, depth + 1)?;
            path.truncate(length);
        }
        Ok(())
    }

    fn head_of_directory(&mut self, id: &DirMetaId, path: &str) -> Result<(), TarError> {
        let meta = walk::load_dirmeta(self.store, id).map_err(TarError::export(id.object()))?;
        self.out.pax_xattrs(&meta.xattrs)?;
        let name = match path {
            "" => "./",
            path => image_path(path, self.options.factory_var),
        };
        let plain = Head::plain(name, EntryType::Directory, meta.mode & mode::PERMISSION_MASK, 0);
        self.out.head(&Head { owner: meta.owner, ..plain })
    }

    fn whiteout(&mut self, path: &str) -> Result<(), TarError> {
        let name = whiteout_path(path, self.options.factory_var);
        self.out.head(&Head::plain(&name, EntryType::Regular, 0o644, 0))
    }

    fn file(&mut self, id: &FileId, path: &str) -> Result<(), TarError> {
        let name = image_path(path, self.options.factory_var);
        let OpenFile { header, size, content } = open(self.store, id)?;
        let symlink = header.is_symlink();
        let head = Head {
            path: name,
            dotted: false,
            kind: if symlink { EntryType::Symlink } else { EntryType::Regular },
            mode: header.mode & mode::PERMISSION_MASK,
            owner: header.owner,
            size: if symlink { 0 } else { size },
            link: symlink.then_some(header.symlink_target.as_str()),
            trace: Trace::Clean,
        };
        if !symlink && size > 0 && !is_changed_in_place(name) {
            if let Some(first) = self.first.get(id) {
                return self.out.head(&Head { kind: EntryType::Link, size: 0, link: Some(first), ..head });
            }
            self.first.insert(*id, name.to_owned());
        }
        self.out.pax_xattrs(&header.xattrs)?;
        self.out.head(&head)?;
        if symlink {
            self.stats.symlinks += 1;
            return Ok(());
        }
        self.stats.files += 1;
        self.stats.content_bytes += size;
        let mut content = content.unwrap_or_else(|| Box::new(std::io::empty()));
        self.out.copy(&mut *content, size, &|source| TarError::Content { file: *id, source })
    }
}

fn push(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(name);
}

/// Whether files at a path of the image are meant to be changed by a running system.
fn is_changed_in_place(path: &str) -> bool {
    ["etc/", "var/"].iter().any(|top| path.starts_with(top))
}

/// Where a path of the tree stands in an image.
fn image_path(path: &str, factory_var: bool) -> &str {
    let shown = crate::path::checkout_path(path);
    match shown.strip_prefix(FACTORY) {
        Some(rest) if factory_var && (rest == "var" || rest.starts_with("var/")) => rest,
        _ => shown,
    }
}

/// Where a whiteout stands in an image: beside what it takes away there.
fn whiteout_path(path: &str, factory_var: bool) -> String {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    let hidden = name.strip_prefix(WHITEOUT).unwrap_or(name);
    let join = |dir: &str, name: &str| if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") };
    if hidden.starts_with(WHITEOUT) {
        return join(image_path(dir, factory_var), name);
    }
    let shown = join(dir, hidden);
    let shown = image_path(&shown, factory_var);
    let (dir, _) = shown.rsplit_once('/').unwrap_or(("", shown));
    join(dir, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_back_to_where_they_came_from() {
        let table = [
            ("usr/etc/a", "etc/a", "etc/a"),
            ("usr/etc", "etc", "etc"),
            ("usr/etcetera", "usr/etcetera", "usr/etcetera"),
            ("var/x", "var/x", "var/x"),
            ("usr/share/factory/var/x", "usr/share/factory/var/x", "var/x"),
            ("usr/share/factory/etc", "usr/share/factory/etc", "usr/share/factory/etc"),
        ];
        for (path, keep, factory) in table {
            assert_eq!((image_path(path, false), image_path(path, true)), (keep, factory), "{path}");
        }
    }

    #[test]
    fn whiteouts_stand_beside_what_they_hide() {
        let table = [
            ("usr/.wh.etc", ".wh.etc"),
            ("usr/etc/.wh.x", "etc/.wh.x"),
            ("usr/etc/.wh..wh..opq", "etc/.wh..wh..opq"),
            (".wh.x", ".wh.x"),
            (".wh..wh..opq", ".wh..wh..opq"),
            ("usr/share/factory/.wh.var", ".wh.var"),
        ];
        for (path, expected) in table {
            assert_eq!(whiteout_path(path, true), expected);
        }
        assert_eq!(whiteout_path("usr/share/factory/.wh.var", false), "usr/share/factory/.wh.var");
    }
}
