//! A tree from a directory of the file system, walked by descriptor; files are hashed and written by several threads.

use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ostree_core::limits::MAX_TREE_DEPTH;
use ostree_core::tree::{MutableTree, Node};
use ostree_core::{DirMeta, DirMetaId, EntryName, FileId, ObjectKind, Owner, WriteObject, Xattrs};
use rustix::fs::{AtFlags, FileType, Stat};

use crate::commit::devino::DevInoCache;
use crate::commit::file::{self, Found};
use crate::commit::modifier::{Modifier, Verdict};
use crate::error::RepoError;
use crate::fs::{Dir, xattr};
use crate::parallel;
use crate::transaction::Transaction;

/// How a directory is read.
#[derive(Debug, Default)]
pub struct DirOptions<'a> {
    /// Recognises hardlinks to objects.
    pub devino: Option<&'a DevInoCache>,
    /// How many threads hash and write; one for each processor if not set. The result does not depend on it.
    pub jobs: Option<NonZeroUsize>,
}

/// A file on its way to a worker.
struct Job {
    dir: Arc<Dir>,
    name: EntryName,
    path: String,
    stat: Stat,
    /// Which place in the tree waits for it.
    slot: usize,
}

/// A directory whose files are known by slot only.
struct Skeleton {
    meta: DirMetaId,
    files: Vec<(EntryName, usize)>,
    dirs: Vec<(EntryName, Skeleton)>,
}

/// Lays the directory at `path` over `tree`. A device, FIFO or socket is an error, as is a name that is not UTF-8.
pub fn add_directory(
    transaction: &Transaction<'_>,
    tree: &mut MutableTree,
    path: &Path,
    modifier: &Modifier,
    options: &DirOptions<'_>,
) -> Result<(), RepoError> {
    let absolute = std::fs::canonicalize(path).map_err(|e| RepoError::io("opening", path, e))?;
    let root = Arc::new(Dir::open(&absolute)?);
    let files = Mutex::new(Vec::new());
    let work = |job: Job| {
        let found = Found { dir: &job.dir, name: job.name.as_str(), path: &job.path, stat: job.stat };
        let id = file::add(transaction, &found, modifier, options.devino)?;
        let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
        if files.len() <= job.slot {
            files.resize(job.slot + 1, None);
        }
        if let Some(place) = files.get_mut(job.slot) {
            *place = id;
        }
        Ok(())
    };
    let skeleton = parallel::run(parallel::jobs(options.jobs), &work, &mut || {}, |feeder, tick| {
        let mut send = |job| feeder.push(job, tick);
        Walker { transaction, modifier, send: &mut send, slots: 0, depth: 0 }.directory(&root, "")
    })?;
    let files = files.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(skeleton) = skeleton {
        tree.overlay(transaction, assemble(transaction, skeleton, &files)?)?;
    }
    Ok(())
}

struct Walker<'a, 't> {
    transaction: &'a Transaction<'t>,
    modifier: &'a Modifier,
    /// Hands a file to the workers; `false` once one of them has failed.
    send: &'a mut dyn FnMut(Job) -> bool,
    slots: usize,
    depth: usize,
}

impl Walker<'_, '_> {
    /// The directory `dir` at `path` in the tree (empty for the root); `None` if the modifier leaves it out.
    fn directory(&mut self, dir: &Arc<Dir>, path: &str) -> Result<Option<Skeleton>, RepoError> {
        let stat = rustix::fs::fstat(&**dir).map_err(|e| dir.fail("querying", "", e))?;
        let owner = Owner { uid: stat.st_uid, gid: stat.st_gid };
        let shown = if path.is_empty() { "/" } else { path };
        let Verdict::Keep { owner, mode } = self.modifier.apply(shown, owner, stat.st_mode) else { return Ok(None) };
        let xattrs = match self.modifier.keeps_xattrs() {
            true => xattr::committed_fd(dir.as_fd()).map_err(|e| dir.fail("reading xattrs of", "", e))?,
            false => Xattrs::default(),
        };
        let xattrs = self.modifier.xattrs(shown, mode, xattrs);
        let meta = DirMeta { owner, mode, xattrs }.encode();
        let meta = DirMetaId::new(self.transaction.write_metadata(ObjectKind::DirMeta, &meta, None)?);
        let mut skeleton = Skeleton { meta, files: Vec::new(), dirs: Vec::new() };
        for name in entry_names(dir)? {
            self.entry(dir, path, name, &mut skeleton)?;
        }
        Ok(Some(skeleton))
    }

    fn entry(
        &mut self,
        dir: &Arc<Dir>,
        parent: &str,
        name: EntryName,
        skeleton: &mut Skeleton,
    ) -> Result<(), RepoError> {
        let stat = rustix::fs::statat(&**dir, name.as_str(), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|e| dir.fail("querying", name.as_str(), e))?;
        let path = format!("{parent}/{name}");
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                if self.depth == MAX_TREE_DEPTH {
                    return Err(RepoError::Request(format!("directories nest deeper than {MAX_TREE_DEPTH}: {path}")));
                }
                let child = Arc::new(dir.open_dir(name.as_str())?);
                self.depth += 1;
                if let Some(child) = self.directory(&child, &path)? {
                    skeleton.dirs.push((name, child));
                }
                self.depth -= 1;
            }
            FileType::RegularFile | FileType::Symlink => {
                let slot = self.slots;
                self.slots += 1;
                if !(self.send)(Job { dir: Arc::clone(dir), name: name.clone(), path, stat, slot }) {
                    // The worker's error is the one that is reported.
                    return Err(RepoError::Request("stopped".into()));
                }
                skeleton.files.push((name, slot));
            }
            // What the modifier leaves out may be of any kind.
            _ => {
                let owner = Owner { uid: stat.st_uid, gid: stat.st_gid };
                if self.modifier.apply(&path, owner, stat.st_mode) != Verdict::Skip {
                    return Err(RepoError::Request(format!("Not a regular file or symlink: {name}")));
                }
            }
        }
        Ok(())
    }
}

/// The entries of a directory, sorted, so that errors do not depend on the file system's order.
fn entry_names(dir: &Dir) -> Result<Vec<EntryName>, RepoError> {
    let entries = rustix::fs::Dir::read_from(dir).map_err(|e| dir.fail("listing", "", e))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| dir.fail("listing", "", e))?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            let name = EntryName::from_bytes(name);
            names.push(name.map_err(|e| RepoError::from(e).context(format!("in {}", dir.path().display())))?);
        }
    }
    names.sort();
    Ok(names)
}

fn assemble(
    transaction: &Transaction<'_>,
    skeleton: Skeleton,
    files: &[Option<FileId>],
) -> Result<MutableTree, RepoError> {
    let mut tree = MutableTree::new();
    tree.set_meta(skeleton.meta);
    let entries = tree.entries_mut(transaction)?;
    for (name, slot) in skeleton.files {
        if let Some(Some(id)) = files.get(slot) {
            entries.insert(name, Node::File(*id));
        }
    }
    for (name, dir) in skeleton.dirs {
        entries.insert(name, Node::Dir(assemble(transaction, dir, files)?));
    }
    Ok(tree)
}

/// Removes a directory that was committed with `--consume`, once the commit is safe. The current directory itself stays,
/// emptied.
pub fn remove_consumed(path: &Path) -> Result<(), RepoError> {
    let absolute = std::fs::canonicalize(path).map_err(|e| RepoError::io("removing", path, e))?;
    if path == Path::new(".") {
        let dir = Dir::open(&absolute)?;
        return dir.names()?.iter().try_for_each(|name| dir.remove_all(name));
    }
    std::fs::remove_dir_all(&absolute).map_err(|e| RepoError::io("removing", path, e))
}
