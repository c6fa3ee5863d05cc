//! The two kinds of trees that can be compared: commits, and directories of the file system.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use ostree_core::walk::{load_commit, load_dirmeta, load_dirtree};
use ostree_core::{
    Checksum, CommitId, DirMeta, DirMetaId, DirTreeId, FileHasher, FileHeader, Owner, ReadObject, Xattrs, mode,
};
use rustix::fs::{AtFlags, Stat};

use crate::error::RepoError;
use crate::fs::{Dir, xattr};
use crate::limits::COPY_BUFFER;

/// A tree to compare.
#[derive(Debug, Clone, Copy)]
pub enum DiffSide<'a> {
    /// The tree of a commit.
    Commit(CommitId),
    /// A directory of the file system.
    Dir(&'a Path),
}

/// How the attributes of local files are taken.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LocalRules {
    /// Leave the xattrs out.
    pub no_xattrs: bool,
    /// The owner to take for every file.
    pub uid: Option<u32>,
    /// The group to take for every file.
    pub gid: Option<u32>,
}

impl LocalRules {
    fn owner(&self, stat: &Stat) -> Owner {
        Owner { uid: self.uid.unwrap_or(stat.st_uid), gid: self.gid.unwrap_or(stat.st_gid) }
    }
}

/// A directory of one side.
pub(crate) enum Tree {
    /// A stored one.
    Stored(DirTreeId),
    /// An open one.
    Local(Dir, LocalRules),
}

/// An entry of a directory.
#[derive(Debug, Clone)]
pub(crate) enum Child {
    /// A file or symlink of a commit.
    StoredFile(Checksum),
    /// A directory of a commit.
    StoredDir(DirTreeId, DirMetaId),
    /// Anything but a directory in the file system.
    LocalFile,
    /// A directory of the file system.
    LocalDir,
}

impl Child {
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        matches!(self, Self::StoredDir(..) | Self::LocalDir)
    }
}

/// The entries of a directory.
pub(crate) type Children = BTreeMap<OsString, Child>;

/// The names in the order they are reported: files before directories, each sorted.
pub(crate) fn in_order(children: &Children) -> Vec<OsString> {
    let names = |dirs: bool| children.iter().filter(move |(_, child)| child.is_dir() == dirs);
    names(false).chain(names(true)).map(|(name, _)| name.clone()).collect()
}

impl Tree {
    /// The root of a side.
    pub fn root(store: &dyn ReadObject, side: &DiffSide<'_>, rules: LocalRules) -> Result<Self, RepoError> {
        match side {
            DiffSide::Commit(id) => Ok(Self::Stored(load_commit(store, id)?.root_tree)),
            DiffSide::Dir(path) => Ok(Self::Local(Dir::open(path)?, rules)),
        }
    }

    /// Everything in it.
    pub fn children(&self, store: &dyn ReadObject) -> Result<Children, RepoError> {
        match self {
            Self::Stored(id) => {
                let tree = load_dirtree(store, id)?;
                let files = tree
                    .files()
                    .iter()
                    .map(|entry| (OsString::from(entry.name.as_str()), Child::StoredFile(*entry.file.checksum())));
                let dirs = tree.dirs().iter();
                let dirs = dirs.map(|dir| (OsString::from(dir.name.as_str()), Child::StoredDir(dir.tree, dir.meta)));
                Ok(files.chain(dirs).collect())
            }
            Self::Local(dir, _) => list(dir),
        }
    }

    /// Opens a subdirectory.
    pub fn enter(&self, name: &OsStr, child: &Child) -> Result<Self, RepoError> {
        match (self, child) {
            (_, Child::StoredDir(id, _)) => Ok(Self::Stored(*id)),
            (Self::Local(dir, rules), _) => Ok(Self::Local(dir.open_dir(name)?, *rules)),
            (Self::Stored(id), _) => Err(RepoError::Request(format!("{} is no directory in {id}", name.display()))),
        }
    }

    /// The checksum an entry has in a commit, or would have; for a directory that of its metadata alone. `None` for what
    /// no commit can hold.
    pub fn checksum(&self, store: &dyn ReadObject, name: &OsStr, child: &Child) -> Result<Option<Checksum>, RepoError> {
        match (self, child) {
            (_, Child::StoredFile(checksum)) => Ok(Some(*checksum)),
            // Decoded and encoded again would be the same bytes; loading it shows that it is there.
            (_, Child::StoredDir(_, meta)) => {
                load_dirmeta(store, meta).map(|_| Some(*meta.checksum())).map_err(Into::into)
            }
            (Self::Local(dir, rules), Child::LocalDir) => dir_checksum(&dir.open_dir(name)?, rules).map(Some),
            (Self::Local(dir, rules), Child::LocalFile) => file_checksum(dir, name, rules),
            (Self::Stored(_), _) => Ok(None),
        }
    }
}

fn list(dir: &Dir) -> Result<Children, RepoError> {
    let entries = rustix::fs::Dir::read_from(dir).map_err(|e| dir.fail("listing", "", e))?;
    let mut children = Children::new();
    for entry in entries {
        let entry = entry.map_err(|e| dir.fail("listing", "", e))?;
        let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
        if name == "." || name == ".." {
            continue;
        }
        let stat =
            rustix::fs::statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW).map_err(|e| dir.fail("querying", &name, e))?;
        let child = if mode::is_directory(stat.st_mode) { Child::LocalDir } else { Child::LocalFile };
        children.insert(name, child);
    }
    Ok(children)
}

fn dir_checksum(dir: &Dir, rules: &LocalRules) -> Result<Checksum, RepoError> {
    let stat = rustix::fs::fstat(dir).map_err(|e| dir.fail("querying", "", e))?;
    let xattrs = match rules.no_xattrs {
        true => Xattrs::default(),
        false => xattr::committed_fd(dir.as_fd()).map_err(|e| dir.fail("reading xattrs of", "", e))?,
    };
    let meta = DirMeta { owner: rules.owner(&stat), mode: stat.st_mode, xattrs };
    Ok(*meta.id().checksum())
}

fn file_checksum(dir: &Dir, name: &OsStr, rules: &LocalRules) -> Result<Option<Checksum>, RepoError> {
    let stat = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|e| dir.fail("querying", name, e))?;
    let owner = rules.owner(&stat);
    if mode::is_symlink(stat.st_mode) {
        let target = rustix::fs::readlinkat(dir, name, Vec::new()).map_err(|e| dir.fail("reading link", name, e))?;
        let xattrs = match rules.no_xattrs {
            true => Xattrs::default(),
            false => {
                xattr::committed_path(&dir.path_through(name)).map_err(|e| dir.fail("reading xattrs of", name, e))?
            }
        };
        // A target that is not UTF-8 cannot be in a commit.
        let Ok(target) = target.into_string() else { return Ok(None) };
        return Ok(Some(*FileHasher::new(&FileHeader::symlink(owner, target, xattrs)).finish().checksum()));
    }
    if !mode::is_regular(stat.st_mode) {
        return Ok(None);
    }
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC;
    let opened = rustix::fs::openat(dir, name, flags | rustix::fs::OFlags::NONBLOCK, rustix::fs::Mode::empty());
    let mut file: std::fs::File = opened.map_err(|e| dir.fail("opening", name, e))?.into();
    let xattrs = match rules.no_xattrs {
        true => Xattrs::default(),
        false => xattr::committed_fd(file.as_fd()).map_err(|e| dir.fail("reading xattrs of", name, e))?,
    };
    let header = FileHeader { owner, mode: stat.st_mode, symlink_target: String::new(), xattrs };
    let mut hasher = FileHasher::new(&header);
    let size = usize::try_from(stat.st_size).unwrap_or(COPY_BUFFER);
    let mut buffer = vec![0; COPY_BUFFER.min(size.max(1))];
    loop {
        let read = file.read(&mut buffer).map_err(|e| RepoError::io("reading", dir.path().join(name), e))?;
        match buffer.get(..read).unwrap_or_default() {
            [] => return Ok(Some(*hasher.finish().checksum())),
            piece => hasher.update(piece),
        }
    }
}
