//! Checking out directories, several at a time.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ostree_core::limits::MAX_TREE_DEPTH;
use ostree_core::walk::load_dirtree;
use ostree_core::{DirEntry, DirMeta, DirTree, DirTreeId};
use rustix::fs::Mode;
use rustix::io::Errno;

use crate::checkout::file::checkout_file;
use crate::checkout::job::Job;
use crate::checkout::options::{Counters, UnionMode};
use crate::checkout::owner;
use crate::checkout::place::Place;
use crate::checkout::queue::Queue;
use crate::checkout::whiteout;
use crate::error::RepoError;
use crate::fs::Dir;

/// How many files of one directory make one task.
const FILES_PER_TASK: usize = 256;

/// A directory of the destination that is being filled.
pub struct Node {
    dir: Dir,
    /// The metadata a directory that this checkout made gets at the end; `None` for one that was there before.
    meta: Option<Arc<DirMeta>>,
    /// The path from the root of what is checked out, with `/` at both ends; empty if nobody asks.
    path: String,
    parent: Option<Arc<Node>>,
    /// How many directories of the checkout it is in.
    depth: usize,
    /// Tasks that still put something into the directory or one below it.
    pending: AtomicUsize,
}

impl Node {
    /// The root directory: `meta` if this checkout made it.
    pub fn root(job: &Job<'_>, dir: Dir, meta: Option<Arc<DirMeta>>) -> Result<Arc<Self>, RepoError> {
        Self::begin(job, Self { dir, meta, path: "/".into(), parent: None, depth: 0, pending: AtomicUsize::new(1) })
    }

    fn begin(job: &Job<'_>, node: Self) -> Result<Arc<Self>, RepoError> {
        if let Some(meta) = &node.meta {
            owner::begin_dir(&node.dir, meta, &job.options)?;
            Counters::add(&job.counters.directories, 1);
        }
        Ok(Arc::new(node))
    }

    fn place<'a>(&'a self, name: &'a str) -> Place<'a> {
        Place { dir: &self.dir, name, fresh: self.meta.is_some() }
    }

    fn skips(&self, job: &Job<'_>, name: &str, end: &str) -> bool {
        let list = &job.options.skip_list;
        !list.is_empty() && list.contains(&format!("{}{name}{end}", self.path))
    }
}

/// A piece of work.
pub enum Task {
    /// Fill a directory that was opened already.
    Fill(Arc<Node>, DirTreeId),
    /// Make, open and fill a subdirectory.
    Subdir(Arc<Node>, DirEntry),
    /// Check out some of a directory's files.
    Files(Arc<Node>, Arc<DirTree>, Range<usize>),
}

/// Does one task, with what it leads to going to `queue`.
pub fn work(job: &Job<'_>, task: Task, queue: &Queue<Task>) -> Result<(), RepoError> {
    match task {
        Task::Fill(node, tree) => {
            let tree = load_dirtree(job.repo, &tree)?;
            fill(job, &node, tree, queue)?;
            done(job, node)
        }
        Task::Subdir(parent, entry) => {
            subdir(job, &parent, entry, queue)?;
            done(job, parent)
        }
        Task::Files(node, tree, range) => {
            files(job, &node, &tree, range)?;
            done(job, node)
        }
    }
}

/// Notes that one task of `node` is done; the last one finishes the directory, and maybe its parents.
fn done(job: &Job<'_>, node: Arc<Node>) -> Result<(), RepoError> {
    let mut current = Some(node);
    while let Some(node) = current {
        if node.pending.fetch_sub(1, Ordering::AcqRel) != 1 {
            return Ok(());
        }
        if let Some(meta) = &node.meta {
            owner::finish_dir(&node.dir, meta, &job.options)?;
        }
        current = node.parent.clone();
    }
    Ok(())
}

fn subdir(job: &Job<'_>, parent: &Arc<Node>, entry: DirEntry, queue: &Queue<Task>) -> Result<(), RepoError> {
    // A damaged repository may hold a directory that contains itself.
    if parent.depth >= MAX_TREE_DEPTH {
        return Err(RepoError::Request(format!("directories nest deeper than {MAX_TREE_DEPTH}")));
    }
    let name = entry.name.as_str();
    let meta = job.meta(&entry.meta)?;
    let tree = load_dirtree(job.repo, &entry.tree)?;
    if whiteout::is_opaque(&job.options, &tree) {
        parent.dir.remove_all(name)?;
    }
    let created = make_dir(job, &parent.dir, name)?;
    let path = match job.options.skip_list.is_empty() {
        true => String::new(),
        false => format!("{}{name}/", parent.path),
    };
    let node = Node::begin(
        job,
        Node {
            dir: parent.dir.open_dir(name)?,
            meta: created.then_some(meta),
            path,
            parent: Some(Arc::clone(parent)),
            depth: parent.depth + 1,
            pending: AtomicUsize::new(1),
        },
    )?;
    // On behalf of the new directory, which ends before its parent.
    parent.pending.fetch_add(1, Ordering::AcqRel);
    fill(job, &node, tree, queue)?;
    done(job, node)
}

/// Makes a directory that only its maker can enter; `false` if one is there that may stay.
fn make_dir(job: &Job<'_>, parent: &Dir, name: &str) -> Result<bool, RepoError> {
    match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o700)) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) if job.options.union != UnionMode::None => Ok(false),
        Err(e) => Err(parent.fail("creating directory", name, e)),
    }
}

fn fill(job: &Job<'_>, node: &Arc<Node>, tree: DirTree, queue: &Queue<Task>) -> Result<(), RepoError> {
    let count = tree.files().len();
    // Whiteouts act in the order of the names, and before the subdirectories are made.
    let first = if job.options.whiteouts { count } else { count.min(FILES_PER_TASK) };
    if job.options.whiteouts {
        files(job, node, &tree, 0..first)?;
    }
    let subdirs: Vec<DirEntry> =
        tree.dirs().iter().filter(|entry| !node.skips(job, entry.name.as_str(), "/")).cloned().collect();
    let tree = Arc::new(tree);
    let rest = (first..count).step_by(FILES_PER_TASK).map(|start| start..count.min(start + FILES_PER_TASK));
    let rest: Vec<Range<usize>> = rest.collect();
    node.pending.fetch_add(subdirs.len() + rest.len(), Ordering::AcqRel);
    // The files stand on top of the stack, because they need no further directory to be opened.
    let subdirs = subdirs.into_iter().rev().map(|entry| Task::Subdir(Arc::clone(node), entry));
    let rest = rest.into_iter().map(|range| Task::Files(Arc::clone(node), Arc::clone(&tree), range));
    queue.push(subdirs.chain(rest));
    match job.options.whiteouts {
        true => Ok(()),
        false => files(job, node, &tree, 0..first),
    }
}

fn files(job: &Job<'_>, node: &Node, tree: &DirTree, range: Range<usize>) -> Result<(), RepoError> {
    for entry in tree.files().get(range).unwrap_or_default() {
        if !node.skips(job, entry.name.as_str(), "") {
            checkout_file(job, &node.place(entry.name.as_str()), &entry.file)?;
        }
    }
    Ok(())
}
