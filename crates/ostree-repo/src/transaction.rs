//! Writing: objects are staged, made durable, and only then named by refs.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use ostree_core::{
    Checksum, CommitId, FileHeader, FileId, FileObject, Metadata, ObjectKind, ObjectName, ReadObject, StoreError,
    WriteObject,
};

use crate::early_sync::EarlySync;
use crate::error::RepoError;
use crate::fs::Dir;
use crate::lock::{LockGuard, LockKind};
use crate::loose::{self, LinkOutcome, LinkWay, Source, Target};
use crate::mode::RepoMode;
use crate::overlay::Overlay;
use crate::refs::{self, RefTarget};
use crate::repo::Repo;
use crate::space::SpaceBudget;
use crate::stage::Stage;
use crate::tmp;

/// How a transaction makes its objects durable. `None` means: as the repository's configuration says.
#[derive(Debug, Clone, Copy, Default)]
pub struct TransactionOptions {
    /// Whether anything is synced at all (`--fsync`, `--disable-fsync`).
    pub fsync: Option<bool>,
    /// Whether each object is synced when it is written (`--per-object-fsync`).
    pub per_object_fsync: Option<bool>,
}

/// What a transaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransactionStats {
    /// Metadata objects that were offered.
    pub metadata_total: u64,
    /// Of those, how many were not there yet.
    pub metadata_written: u64,
    /// File objects that were offered; those recognised without being read are not among them.
    pub content_total: u64,
    /// Of those, how many were not there yet.
    pub content_written: u64,
    /// The uncompressed size in bytes of the files that were not there yet.
    pub content_bytes_written: u64,
    /// Files that were recognised as objects without being read.
    pub content_cache_hits: u64,
}

#[derive(Debug, Default)]
struct Counters {
    metadata_total: AtomicU64,
    metadata_written: AtomicU64,
    content_total: AtomicU64,
    content_written: AtomicU64,
    content_bytes_written: AtomicU64,
    cache_hits: AtomicU64,
}

/// A transaction. Objects written through it can be read through it at once; others see them, and the refs, after
/// [`Transaction::commit`]. Dropping it changes no ref and leaves no object that others see; what was staged is used
/// again by the next transaction of this boot.
#[derive(Debug)]
pub struct Transaction<'r> {
    repo: &'r Repo,
    /// `None` where objects are written in place.
    stage: Option<Stage>,
    tmp: Dir,
    fsync: bool,
    sync_each: bool,
    budget: SpaceBudget,
    unnamed: Option<LinkWay>,
    early_sync: EarlySync,
    counters: Counters,
    refs: Mutex<BTreeMap<RefTarget, Option<CommitId>>>,
    retained: Mutex<HashSet<ObjectName>>,
    _lock: LockGuard,
}

impl Repo {
    /// Starts to write: takes the shared lock and a staging directory.
    pub fn transaction(&self, options: TransactionOptions) -> Result<Transaction<'_>, RepoError> {
        Transaction::begin(self, options)
    }
}

impl<'r> Transaction<'r> {
    /// Takes the shared lock and a staging directory.
    fn begin(repo: &'r Repo, options: TransactionOptions) -> Result<Self, RepoError> {
        repo.check_writable()?;
        let lock = repo.lock(LockKind::Shared)?;
        repo.dir().ensure_dir("tmp", 0o775)?;
        let tmp = repo.dir().open_dir("tmp")?;
        let fsync = options.fsync.unwrap_or(repo.config().fsync);
        let sync_each = fsync && options.per_object_fsync.unwrap_or(repo.config().per_object_fsync);
        let stage = if fsync && !sync_each { Some(Stage::acquire(&tmp)?) } else { None };
        let unnamed = LinkWay::find(stage.as_ref().map_or(&tmp, Stage::dir));
        Ok(Self {
            repo,
            stage,
            unnamed,
            tmp,
            fsync,
            sync_each,
            budget: SpaceBudget::new(repo)?,
            early_sync: EarlySync::default(),
            counters: Counters::default(),
            refs: Mutex::default(),
            retained: Mutex::default(),
            _lock: lock,
        })
    }

    /// The repository that is written.
    pub fn repo(&self) -> &'r Repo {
        self.repo
    }

    /// Lets a ref point to `commit`, or removes it, when the transaction is committed.
    pub fn set_ref(&self, target: impl Into<RefTarget>, commit: Option<CommitId>) {
        self.refs.lock().unwrap_or_else(PoisonError::into_inner).insert(target.into(), commit);
    }

    /// What was done so far.
    pub fn stats(&self) -> TransactionStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TransactionStats {
            metadata_total: get(&self.counters.metadata_total),
            metadata_written: get(&self.counters.metadata_written),
            content_total: get(&self.counters.content_total),
            content_written: get(&self.counters.content_written),
            content_bytes_written: get(&self.counters.content_bytes_written),
            content_cache_hits: get(&self.counters.cache_hits),
        }
    }

    /// The length of an object's file in bytes, as this repository keeps it; `None` if it is not there.
    pub fn stored_size(&self, name: &ObjectName) -> Result<Option<u64>, RepoError> {
        let path = self.repo.loose_path(name);
        let staged = self.stage.as_ref().map(Stage::dir);
        for dir in staged.into_iter().chain([self.repo.objects()]) {
            match rustix::fs::statat(dir, &path, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => return Ok(Some(u64::try_from(stat.st_size).unwrap_or_default())),
                Err(rustix::io::Errno::NOENT) => {}
                Err(e) => return Err(dir.fail("querying", &path, e)),
            }
        }
        Ok(None)
    }

    /// Keeps these objects from [`Transaction::discard`].
    pub fn retain(&self, objects: impl IntoIterator<Item = ObjectName>) {
        self.retained.lock().unwrap_or_else(PoisonError::into_inner).extend(objects);
    }

    /// Takes back an object that this transaction wrote and nobody else sees yet. One that is retained stays, one that the
    /// repository has, and every one where objects are written in place.
    pub fn discard(&self, name: &ObjectName) -> Result<(), RepoError> {
        match &self.stage {
            Some(_) if self.retained.lock().unwrap_or_else(PoisonError::into_inner).contains(name) => Ok(()),
            Some(stage) => stage.dir().remove_file(&self.repo.loose_path(name)).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Makes everything durable, then visible, then named: objects first, refs last.
    pub fn commit(mut self) -> Result<TransactionStats, RepoError> {
        let stats = self.stats();
        self.sync()?;
        let pending = std::mem::take(&mut *self.refs.lock().unwrap_or_else(PoisonError::into_inner));
        let refs = if self.fsync { refs::stage(self.repo, &pending)? } else { None };
        let stage = self.stage.take();
        let named = stage.is_some();
        if let Some(stage) = stage {
            stage.publish(&self.tmp, self.repo.objects())?;
        }
        if named || refs.is_some() {
            // The objects' new names must be durable before a ref depends on them.
            self.sync()?;
        }
        tmp::clean(self.repo, false)?;
        match refs {
            Some(staged) => refs::place(self.repo, staged)?,
            None => pending
                .iter()
                .try_for_each(|(target, commit)| refs::write(self.repo, target, commit.as_ref(), self.fsync))?,
        }
        self.repo.dir().remove_file("transaction")?;
        Ok(stats)
    }

    /// While this transaction works, it lets the disk begin to write. That takes everything that is in the same file system:
    /// held back, what others write there for a short time has not to go to the disk at all.
    pub fn hold_early_sync(&self, held: bool) {
        self.early_sync.hold(self.repo.dir(), held);
    }

    /// Makes everything that was written so far durable, and moves `objects` among the others, whatever becomes of this
    /// transaction. Nothing names them by that: a prune by others may still take them.
    pub fn settle<'a>(&self, objects: impl IntoIterator<Item = &'a ObjectName>) -> Result<(), RepoError> {
        let Some(stage) = &self.stage else { return Ok(()) };
        self.sync()?;
        let paths: Vec<_> = objects.into_iter().map(|name| self.repo.loose_path(name)).collect();
        stage.publish_some(self.repo.objects(), &paths)
    }

    fn overlay(&self) -> Overlay<'_, Stage> {
        Overlay { staged: self.stage.as_slice(), repo: self.repo }
    }

    fn sync(&self) -> Result<(), RepoError> {
        match self.fsync {
            true => rustix::fs::syncfs(self.repo.dir()).map_err(|e| self.repo.dir().fail("syncing", "", e)),
            false => Ok(()),
        }
    }

    fn target(&self) -> Target<'_> {
        let staged = self.stage.as_ref().map(Stage::dir);
        Target {
            objects: staged.unwrap_or(self.repo.objects()),
            unnamed: self.unnamed,
            temporary: self.stage.as_ref().map_or(&self.tmp, Stage::temporary),
            config: self.repo.config(),
            sync_each: self.sync_each,
        }
    }

    /// Whether this repository itself, or the staging directory, has the object; a parent's does not count.
    pub(crate) fn has_own(&self, name: &ObjectName) -> Result<bool, RepoError> {
        let path = self.repo.loose_path(name);
        if let Some(stage) = &self.stage
            && stage.dir().exists(&path)?
        {
            return Ok(true);
        }
        self.repo.objects().exists(&path)
    }

    /// Notes that a file was recognised as an object without being read.
    pub(crate) fn count_cache_hit(&self) {
        Self::count(&self.counters.cache_hits, 1);
    }

    /// Notes that a file was offered that is there.
    pub(crate) fn count_offered(&self) {
        Self::count(&self.counters.content_total, 1);
    }

    /// Makes the object `name` a hard link to the file `path` in `from`, which must be an object of this repository's form.
    pub(crate) fn link_object(&self, from: &Dir, path: &str, name: &ObjectName) -> Result<LinkOutcome, RepoError> {
        loose::link(&self.target(), from, path, name)
    }

    /// Makes the object `name` a copy of `file`, an object of an archive repository, as this one must be too.
    pub(crate) fn copy_object(&self, file: &mut File, name: &ObjectName) -> Result<(), RepoError> {
        loose::copy(&self.target(), file, name)
    }

    fn count(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}

impl ReadObject for Transaction<'_> {
    fn has_object(&self, name: &ObjectName) -> Result<bool, StoreError> {
        self.overlay().has_object(name)
    }

    fn read_metadata(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, StoreError> {
        self.overlay().read_metadata(name)
    }

    fn read_detached(&self, commit: &CommitId) -> Result<Option<Metadata>, StoreError> {
        self.overlay().read_detached(commit)
    }

    fn read_file(&self, id: &FileId) -> Result<Option<FileObject>, StoreError> {
        self.overlay().read_file(id)
    }
}

impl WriteObject for Transaction<'_> {
    fn has_object(&self, name: &ObjectName) -> Result<bool, StoreError> {
        ReadObject::has_object(self, name)
    }

    fn write_metadata(
        &self,
        kind: ObjectKind,
        bytes: &[u8],
        expect: Option<&Checksum>,
    ) -> Result<Checksum, StoreError> {
        let checksum = loose::verify(kind, bytes, expect)?;
        let name = ObjectName::new(kind, checksum);
        Self::count(&self.counters.metadata_total, 1);
        if !self.has_own(&name)? {
            loose::write_metadata(&self.target(), &name, bytes)?;
            Self::count(&self.counters.metadata_written, 1);
        }
        Ok(checksum)
    }

    fn write_detached(&self, commit: &CommitId, metadata: &Metadata) -> Result<(), StoreError> {
        let name = ObjectName::new(ObjectKind::CommitMeta, *commit.checksum());
        Ok(loose::write_metadata(&self.target(), &name, &metadata.encode())?)
    }

    fn write_file(
        &self,
        header: &FileHeader,
        size: u64,
        content: &mut dyn Read,
        expect: Option<&FileId>,
    ) -> Result<FileId, StoreError> {
        if self.repo.mode() == RepoMode::BareSplitXattrs {
            return Err(RepoError::Request("Not allowed due to repo mode".into()).into());
        }
        Self::count(&self.counters.content_total, 1);
        if let Some(id) = expect
            && self.has_own(&id.object())?
        {
            return Ok(*id);
        }
        self.budget.charge(size)?;
        // An expected object was looked for above; looking again would only cost time.
        let known = |name: &ObjectName| if expect.is_some() { Ok(false) } else { self.has_own(name) };
        let (id, new) = loose::write_file(&self.target(), Source { header, size, content }, expect, &known)?;
        if new {
            Self::count(&self.counters.content_written, 1);
            Self::count(&self.counters.content_bytes_written, size);
            if self.stage.is_some() {
                self.early_sync.wrote(self.repo.dir(), size);
            }
        } else {
            self.budget.credit(size);
        }
        Ok(id)
    }
}
