//! The directory of unfinished blobs: who has which one, how old and how large they may become.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use oci_image::source::Partials;
use oci_image::{Descriptor, Digest};
use rustix::fs::{FlockOperation, OFlags, StatVfs, flock, fstatvfs};
use rustix::process::geteuid;

use crate::limits;
use crate::partial::{Partial, marker, whole_blocks};
use crate::transfer::TransferOptions;

/// The directory. It is a cache: whatever fails in it costs no more than another transfer.
#[derive(Debug)]
pub(crate) struct PartialStore {
    dir: PathBuf,
    most: u64,
    reserve: u64,
    /// Where readers gave up.
    given_up: Mutex<BTreeMap<Digest, u64>>,
    /// What the blobs take elsewhere in the same file system.
    expected: Mutex<Expected>,
}

/// What is still to be written of blobs by those who read them.
#[derive(Debug, Default, Clone, Copy)]
struct Expected {
    disk: u64,
    size: u64,
    /// How many bytes were passed on.
    read: u64,
}

/// Whether a partial blob may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// Yes.
    Enough,
    /// The directory has its size, even without all others, or the rest of the file system is spoken for.
    Full,
    /// It takes space that is needed.
    NoSpace,
}

impl PartialStore {
    /// The directory the options name, if they name one and let it hold something.
    pub(crate) fn new(options: &TransferOptions) -> Option<Self> {
        let dir = options.partials.clone().filter(|_| options.partial_cache > 0)?;
        let (given_up, expected) = (Mutex::default(), Mutex::default());
        Some(Self { dir, most: options.partial_cache, reserve: options.partial_reserve, given_up, expected })
    }

    /// The file of a blob, owned if nobody else has it.
    pub(crate) fn open(&self, descriptor: &Descriptor) -> io::Result<Partial> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let path = self.path(&descriptor.digest);
        self.trim(&path, 0);
        loop {
            let mut options = File::options();
            options.read(true).write(true).create(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
            let mut partial = Partial::new(options.open(&path)?, path.clone(), descriptor);
            // One that was removed between opening and locking is nobody's: the next has another file.
            if partial.try_own()
                && let Some(at) = self.stopped(&descriptor.digest)
            {
                partial.trust_up_to(at.saturating_sub(limits::BLOCK_BYTES));
            }
            if !partial.is_owned() || partial.is_linked() {
                return Ok(partial);
            }
        }
    }

    /// Notes that the reader of a blob gave up after `at` bytes. That alone says nothing of them.
    pub(crate) fn give_up(&self, digest: &Digest, at: u64) {
        lock(&self.given_up).insert(digest.clone(), at);
    }

    /// Where a reader of a blob gave up whose importer doubted the bytes.
    fn stopped(&self, digest: &Digest) -> Option<u64> {
        std::fs::read_to_string(marker(&self.path(digest))).ok()?.parse().ok()
    }

    /// Notes that bytes of a blob were passed on to whoever writes what is in them.
    pub(crate) fn pass_on(&self, bytes: u64) {
        lock(&self.expected).read += bytes;
    }

    /// How many bytes are still to be written elsewhere, as far as that is known.
    fn awaited(&self) -> u64 {
        let Expected { disk, size, read } = *lock(&self.expected);
        let left = u128::from(disk) * u128::from(size.saturating_sub(read)) / u128::from(size.max(1));
        u64::try_from(left).unwrap_or(u64::MAX)
    }

    /// Whether `partial` may grow by `more` bytes, others making room for it where they must.
    pub(crate) fn room(&self, partial: &Partial, digest: &Digest, more: u64) -> Room {
        let taken = self.reserve.saturating_add(self.awaited());
        let left = free(partial.file()).saturating_sub(taken);
        if left < limits::PARTIAL_MARGIN / 4 {
            return Room::NoSpace;
        }
        let full = left < limits::PARTIAL_MARGIN + more || self.trim(&self.path(digest), more) + more > self.most;
        if full { Room::Full } else { Room::Enough }
    }

    /// Removes what is too old, and the oldest while all together with `more` bytes are too large; never `keep`, nor what
    /// somebody has. The size of what stays, in bytes.
    fn trim(&self, keep: &Path, more: u64) -> u64 {
        let found = files(&self.dir);
        let mut total: u64 = found.iter().map(|(_, size, _)| size).sum();
        for (modified, size, path) in found {
            let large = total.saturating_add(more) > self.most;
            if (large || is_old(modified)) && keep != path && remove_unowned(&path).is_ok() {
                total = total.saturating_sub(size);
            }
        }
        total
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(format!("{}-{}", digest.algorithm().name(), digest.hex()))
    }
}

impl Partials for PartialStore {
    fn at_hand(&self, blob: &Descriptor) -> u64 {
        let whole = std::fs::metadata(self.path(&blob.digest)).map_or(0, |stat| whole_blocks(stat.len(), blob));
        self.stopped(&blob.digest).map_or(whole, |at| whole.min(at.saturating_sub(limits::BLOCK_BYTES)))
    }

    fn doubt(&self, blob: &Descriptor) {
        let Some(at) = lock(&self.given_up).remove(&blob.digest) else { return };
        let path = self.path(&blob.digest);
        // It is a cache: what cannot be written or removed now grows old.
        if self.stopped(&blob.digest).is_some_and(|before| at <= before.saturating_add(limits::BLOCK_BYTES)) {
            let _ = remove_unowned(&path);
        } else if path.exists() {
            let _ = std::fs::write(marker(&path), at.to_string());
        }
    }

    fn expect(&self, disk: u64, size: u64) {
        *lock(&self.expected) = Expected { disk, size, read: 0 };
        clean_partials(&self.dir);
    }

    fn disk(&self) -> u64 {
        let unowned = |path: &Path| lock_unowned(path).is_ok();
        files(&self.dir).iter().filter(|(_, _, path)| unowned(path)).map(|(_, size, _)| size).sum()
    }

    fn finish(&self, blobs: &[&Descriptor]) {
        for blob in blobs {
            // Mostly there is none.
            let _ = remove_unowned(&self.path(&blob.digest));
        }
    }

    fn give_way(&self, wanted: &[&Descriptor], bytes: u64) {
        let wanted: Vec<PathBuf> = wanted.iter().map(|blob| self.path(&blob.digest)).collect();
        let (last, first): (Vec<_>, Vec<_>) =
            files(&self.dir).into_iter().partition(|(_, _, path)| wanted.contains(path));
        let mut freed = 0;
        for (_, size, path) in first.into_iter().chain(last) {
            if freed >= bytes {
                return;
            }
            if remove_unowned(&path).is_ok() {
                freed += size;
            }
        }
    }
}

/// Removes the unfinished blobs of a directory that have grown too old and that nobody has.
pub fn clean_partials(dir: &Path) {
    for (_, _, path) in files(dir).into_iter().filter(|(modified, ..)| is_old(*modified)) {
        // What cannot be removed now may be the next time.
        let _ = remove_unowned(&path);
    }
}

/// The files of the directory, the oldest first, each with its size on disk.
fn files(dir: &Path) -> Vec<(SystemTime, u64, PathBuf)> {
    let mut found = Vec::new();
    for entry in dir.read_dir().into_iter().flatten().flatten() {
        if let Ok(stat) = entry.metadata()
            && stat.is_file()
        {
            found.push((stat.modified().unwrap_or(SystemTime::UNIX_EPOCH), stat.len(), entry.path()));
        }
    }
    found.sort();
    found
}

fn is_old(modified: SystemTime) -> bool {
    SystemTime::now().duration_since(modified).is_ok_and(|age| age > limits::PARTIAL_LIFE)
}

/// What this process could write in the file system of `file`: for root that is more than for others.
fn free(file: &File) -> u64 {
    let blocks = |stat: StatVfs| if geteuid().is_root() { stat.f_bfree } else { stat.f_bavail } * stat.f_frsize;
    fstatvfs(file).map_or(u64::MAX, blocks)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock_unowned(path: &Path) -> io::Result<File> {
    let file = File::options().read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

/// Removes a file that nobody has, and what was noted of it.
fn remove_unowned(path: &Path) -> io::Result<()> {
    let _file = lock_unowned(path)?;
    std::fs::remove_file(path)?;
    // Mostly there is none.
    let _ = std::fs::remove_file(marker(path));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn store(dir: &Path, most: u64) -> PartialStore {
        let partials = Some(dir.join("blobs"));
        PartialStore::new(&TransferOptions { partials, partial_cache: most, ..Default::default() }).unwrap()
    }

    fn descriptor(text: &str) -> Descriptor {
        Descriptor::new("x", Digest::sha256(text.as_bytes()), 1 << 30)
    }

    fn fill(store: &PartialStore, text: &str, age: Duration) {
        let partial = store.open(&descriptor(text)).unwrap();
        assert!(partial.is_owned());
        partial.write(0, &[7; 100]).unwrap();
        partial.file().set_modified(SystemTime::now() - age).unwrap();
    }

    fn names(dir: &Path) -> usize {
        dir.join("blobs").read_dir().unwrap().count()
    }

    #[test]
    fn one_owner_and_a_removed_file_is_not_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), 1000);
        let first = store.open(&descriptor("a")).unwrap();
        let mut second = store.open(&descriptor("a")).unwrap();
        assert!(first.is_owned() && !second.is_owned());
        first.remove();
        assert!(second.try_own() && !second.is_linked());
        assert_eq!(names(dir.path()), 0);
    }

    #[test]
    fn the_reserve_of_the_file_system_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let partials = Some(dir.path().join("blobs"));
        let options = TransferOptions { partials, partial_reserve: u64::MAX, ..Default::default() };
        let store = PartialStore::new(&options).unwrap();
        let partial = store.open(&descriptor("a")).unwrap();
        assert_eq!(store.room(&partial, &descriptor("a").digest, 1), Room::NoSpace);
        assert!(PartialStore::new(&TransferOptions { partial_cache: 0, ..options }).is_none());
    }

    #[test]
    fn the_old_go_and_the_oldest_where_they_are_too_many() {
        let dir = tempfile::tempdir().unwrap();
        let (day, store) = (Duration::from_secs(24 * 3600), store(dir.path(), 250));
        fill(&store, "a", day * 8);
        fill(&store, "b", day * 2);
        assert_eq!(names(dir.path()), 1, "eight days are too many");
        fill(&store, "c", day);
        fill(&store, "d", Duration::ZERO);
        let last = store.open(&descriptor("d")).unwrap();
        assert_eq!(store.room(&last, &descriptor("d").digest, 1), Room::Enough);
        assert_eq!(names(dir.path()), 2, "the oldest of three goes");
        last.write(0, &[7; 300]).unwrap();
        assert_eq!(store.room(&last, &descriptor("d").digest, 1), Room::Full);
        assert_eq!(names(dir.path()), 1);
    }

    #[test]
    fn what_is_larger_than_all_may_be_is_still_there_the_next_time() {
        let dir = tempfile::tempdir().unwrap();
        let (store, blob) = (store(dir.path(), 1000), descriptor("a"));
        let partial = store.open(&blob).unwrap();
        partial.write(0, &[7; 1001]).unwrap();
        assert_eq!(store.room(&partial, &blob.digest, 1), Room::Full);
        drop(partial);
        assert_eq!(store.open(&blob).unwrap().length(), 1001);
    }

    #[test]
    fn what_others_still_need_is_left_free_and_nothing_is_kept_of_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (store, blob) = (store(dir.path(), 1 << 30), descriptor("a"));
        let partial = store.open(&blob).unwrap();
        assert_eq!(store.room(&partial, &blob.digest, 1), Room::Enough);
        let free = free(partial.file());
        store.expect(free, 1000);
        assert_eq!(store.room(&partial, &blob.digest, 1), Room::NoSpace);
        store.pass_on(900);
        assert_eq!(store.room(&partial, &blob.digest, 1), Room::Enough);
        assert_eq!(store.room(&partial, &blob.digest, free), Room::Full);
        drop(partial);
        assert_eq!(names(dir.path()), 0, "an empty file");
    }

    #[test]
    fn the_unwanted_give_way_first_and_only_as_far_as_they_must() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), 1 << 30);
        let second = Duration::from_secs(1);
        ["a", "b", "c"].iter().zip([9, 8, 7]).for_each(|(name, age)| fill(&store, name, second * age));
        assert_eq!(store.disk(), 300);
        store.give_way(&[&descriptor("a")], 100);
        assert!(!store.path(&descriptor("b").digest).exists() && names(dir.path()) == 2);
        store.give_way(&[&descriptor("a")], 101);
        assert_eq!(names(dir.path()), 0);
    }
}
