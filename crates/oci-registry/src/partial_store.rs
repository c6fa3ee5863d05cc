//! The directory of unfinished blobs: who has which one, how old and how large they may become.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use oci_image::{Descriptor, Digest};
use rustix::fs::{FlockOperation, OFlags, flock, fstatvfs};

use crate::limits;
use crate::partial::{Partial, marker};
use crate::transfer::TransferOptions;

/// The directory. It is a cache: whatever fails in it costs no more than another transfer.
#[derive(Debug)]
pub(crate) struct PartialStore {
    dir: PathBuf,
    most: u64,
    reserve: u64,
}

/// Whether a partial blob may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// Yes.
    Enough,
    /// The directory has its size, even without all others.
    Full,
    /// The file system's reserve is reached.
    NoSpace,
}

impl PartialStore {
    /// The directory the options name, if they name one and let it hold something.
    pub(crate) fn new(options: &TransferOptions) -> Option<Self> {
        let dir = options.partials.clone().filter(|_| options.partial_cache > 0)?;
        Some(Self { dir, most: options.partial_cache, reserve: options.partial_reserve })
    }

    /// The file of a blob, owned if nobody else has it.
    pub(crate) fn open(&self, descriptor: &Descriptor) -> io::Result<Partial> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        self.trim(None);
        let path = self.path(&descriptor.digest);
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

    /// Where the last reader of a blob gave up that had no reason to complain about its transfer.
    pub(crate) fn stopped(&self, digest: &Digest) -> Option<u64> {
        std::fs::read_to_string(marker(&self.path(digest))).ok()?.parse().ok()
    }

    /// Notes that a reader gave up after `at` bytes, `before` being where the one before it did. It may have met a wrong
    /// byte, which no digest tells before the blob's end: so the bytes next to that place are fetched again the next
    /// time, and everything, when that was of no help.
    pub(crate) fn stop(&self, digest: &Digest, at: u64, before: Option<u64>) {
        let path = self.path(digest);
        // It is a cache: what cannot be written or removed now grows old.
        if before.is_some_and(|before| at <= before.saturating_add(limits::BLOCK_BYTES)) {
            let _ = remove_unowned(&path).and_then(|()| std::fs::remove_file(marker(&path)));
        } else if path.exists() {
            let _ = std::fs::write(marker(&path), at.to_string());
        }
    }

    /// Whether `partial` may grow, others making room for it where they must.
    pub(crate) fn room(&self, partial: &Partial, digest: &Digest) -> Room {
        let free = fstatvfs(partial.file()).map_or(u64::MAX, |stat| stat.f_bavail.saturating_mul(stat.f_frsize));
        if free < self.reserve.saturating_add(limits::PARTIAL_CHECK_BYTES) && self.reserve > 0 {
            return Room::NoSpace;
        }
        if self.trim(Some(&self.path(digest))) > self.most { Room::Full } else { Room::Enough }
    }

    /// Removes what is too old, and the oldest while all together are too large; never `keep`, nor what somebody has. The
    /// size of what stays, in bytes.
    fn trim(&self, keep: Option<&Path>) -> u64 {
        let mut found: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in self.dir.read_dir().into_iter().flatten().flatten() {
            if let Ok(stat) = entry.metadata()
                && stat.is_file()
            {
                found.push((stat.modified().unwrap_or(SystemTime::UNIX_EPOCH), stat.len(), entry.path()));
            }
        }
        found.sort();
        let mut total: u64 = found.iter().map(|(_, size, _)| size).sum();
        for (modified, size, path) in found {
            let old = SystemTime::now().duration_since(modified).is_ok_and(|age| age > limits::PARTIAL_LIFE);
            if (old || total > self.most) && keep != Some(path.as_path()) && remove_unowned(&path).is_ok() {
                total = total.saturating_sub(size);
            }
        }
        total
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(format!("{}-{}", digest.algorithm().name(), digest.hex()))
    }
}

fn remove_unowned(path: &Path) -> io::Result<()> {
    let file = File::options().read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    std::fs::remove_file(path)
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
        assert_eq!(store.room(&partial, &descriptor("a").digest), Room::NoSpace);
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
        assert_eq!(store.room(&last, &descriptor("d").digest), Room::Enough);
        assert_eq!(names(dir.path()), 2, "the oldest of three goes");
        last.write(0, &[7; 300]).unwrap();
        assert_eq!(store.room(&last, &descriptor("d").digest), Room::Full);
        assert_eq!(names(dir.path()), 1);
    }
}
