//! The file of one blob whose transfer has not ended: its bytes in blocks, each with what verifies it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use oci_image::{Descriptor, DigestHasher};
use rustix::fs::{FlockOperation, flock, fstat};

use crate::limits::BLOCK_BYTES;

/// An open partial blob. Its file is a row of records: a block of [`BLOCK_BYTES`] bytes (the last one may be shorter),
/// and in hexadecimal the digest of the blob from its start to the end of that block. So one running hash makes and
/// verifies all of them, and a torn or spoilt tail is noticed wherever it begins.
#[derive(Debug)]
pub(crate) struct Partial {
    file: File,
    path: PathBuf,
    size: u64,
    sum: u64,
    owned: bool,
    /// Where what is trusted ends.
    trusted: u64,
}

impl Partial {
    /// Takes an open file over. It belongs to whoever holds its lock.
    pub(crate) fn new(file: File, path: PathBuf, descriptor: &Descriptor) -> Self {
        let sum = descriptor.digest.algorithm().hex_len() as u64;
        Self { file, path, size: descriptor.size, sum, owned: false, trusted: u64::MAX }
    }

    /// Tries to become the one who writes it.
    pub(crate) fn try_own(&mut self) -> bool {
        self.owned = self.owned || flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok();
        self.owned
    }

    /// Whether this is the one who writes it.
    pub(crate) fn is_owned(&self) -> bool {
        self.owned
    }

    /// Trusts nothing from `end` on, rounded down to a block.
    pub(crate) fn trust_up_to(&mut self, end: u64) {
        self.trusted = end / BLOCK_BYTES * BLOCK_BYTES;
    }

    /// Whether the file still has its name. One that was removed is still good to be read.
    pub(crate) fn is_linked(&self) -> bool {
        fstat(&self.file).is_ok_and(|stat| stat.st_nlink > 0)
    }

    /// The block at `at`, a multiple of the block size, and the hash up to its end, where `hasher` is the one up to its
    /// start. `None` where there is no such block, not yet, or not a right one.
    pub(crate) fn block(&self, at: u64, hasher: &DigestHasher) -> Option<(Bytes, DigestHasher)> {
        let length = self.size.saturating_sub(at).min(BLOCK_BYTES);
        let start = self.offset(at);
        if length == 0 || at >= self.trusted || self.file.metadata().ok()?.len() < start + length + self.sum {
            return None;
        }
        let mut record = vec![0; usize::try_from(length + self.sum).ok()?];
        self.file.read_exact_at(&mut record, start).ok()?;
        let sum = record.split_off(usize::try_from(length).ok()?);
        let mut hasher = hasher.clone();
        hasher.update(&record);
        (hasher.clone().finish().hex().as_bytes() == sum).then(|| (Bytes::from(record), hasher))
    }

    /// Cuts everything from `at` on, a multiple of the block size.
    pub(crate) fn cut(&self, at: u64) -> io::Result<()> {
        let end = self.offset(at);
        // ext4 takes a file that was cut to nothing for one that is written anew, and sends it to the disk when it is closed.
        if self.file.metadata()?.len() > end { self.file.set_len(end) } else { Ok(()) }
    }

    /// Writes bytes of one block, which begin at `at` in the blob.
    pub(crate) fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.offset(at))
    }

    /// Ends the block that ends at `end`; `hasher` is the one up to there.
    pub(crate) fn end_block(&self, end: u64, hasher: &DigestHasher) -> io::Result<()> {
        let sum = hasher.clone().finish();
        // The place behind the last byte of the block, not the start of the next one.
        self.file.write_all_at(sum.hex().as_bytes(), self.offset(end.saturating_sub(1)) + 1)
    }

    /// Removes the file. Others that have it open can still read it.
    pub(crate) fn remove(mut self) {
        if self.try_own() && self.is_linked() {
            // What stays is removed when it has grown old.
            let _ = std::fs::remove_file(&self.path);
            let _ = std::fs::remove_file(marker(&self.path));
        }
    }

    /// Leaves the file to whoever else wants to write it.
    pub(crate) fn release(&mut self) {
        // Closing it does the same later.
        let _ = flock(&self.file, FlockOperation::Unlock);
        self.owned = false;
    }

    /// Removes the file and its bytes, which are wrong or in the way.
    pub(crate) fn discard(mut self) {
        if self.try_own() {
            let _ = self.file.set_len(0);
        }
        self.remove();
    }

    /// How many bytes the file has. It grows as long as anybody writes it.
    pub(crate) fn length(&self) -> u64 {
        self.file.metadata().map_or(0, |stat| stat.len())
    }

    /// The file, to ask its file system.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    fn offset(&self, at: u64) -> u64 {
        at + at / BLOCK_BYTES * self.sum
    }
}

impl Drop for Partial {
    /// A file in which nothing is kept is of no use to anybody.
    fn drop(&mut self) {
        if self.owned && self.length() == 0 && self.is_linked() {
            let _ = std::fs::remove_file(&self.path);
            let _ = std::fs::remove_file(marker(&self.path));
        }
    }
}

/// How many bytes of a blob are in the whole records of a file of `length` bytes.
pub(crate) fn whole_blocks(length: u64, blob: &Descriptor) -> u64 {
    let sum = blob.digest.algorithm().hex_len() as u64;
    let blocks = length / (BLOCK_BYTES + sum);
    // The last block may be shorter.
    let all = blob.size + blob.size.div_ceil(BLOCK_BYTES) * sum;
    if length >= all { blob.size } else { (blocks * BLOCK_BYTES).min(blob.size) }
}

/// The file beside a partial blob that says where its last reader gave up.
pub(crate) fn marker(path: &Path) -> PathBuf {
    path.with_extension("stopped")
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_image::Digest;

    fn written(blob: &[u8], upto: usize) -> (tempfile::TempDir, Partial, Descriptor) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path).unwrap();
        let descriptor = Descriptor::new("x", Digest::sha256(blob), blob.len() as u64);
        let mut partial = Partial::new(file, path, &descriptor);
        assert!(partial.try_own());
        let mut hasher = DigestHasher::new(descriptor.digest.algorithm());
        let mut at = 0;
        for block in blob[..upto].chunks(BLOCK_BYTES as usize) {
            partial.write(at, block).unwrap();
            hasher.update(block);
            at += block.len() as u64;
            if at % BLOCK_BYTES == 0 || at == descriptor.size {
                partial.end_block(at, &hasher).unwrap();
            }
        }
        (dir, partial, descriptor)
    }

    fn readable(partial: &Partial, descriptor: &Descriptor) -> u64 {
        let mut hasher = DigestHasher::new(descriptor.digest.algorithm());
        let mut at = 0;
        while let Some((block, next)) = partial.block(at, &hasher) {
            at += block.len() as u64;
            hasher = next;
        }
        at
    }

    #[test]
    fn whole_blocks_come_back_and_everything_from_a_wrong_byte_on_does_not() {
        let blob: Vec<u8> = (0..(3 << 20) + 77).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let block = BLOCK_BYTES;
        for (upto, expected) in [(blob.len(), blob.len() as u64), ((2 << 20) + 5, 2 * block), (5, 0)] {
            let (_dir, partial, descriptor) = written(&blob, upto);
            assert_eq!(readable(&partial, &descriptor), expected);
        }
        for (spoilt, expected) in [(0, 0), (block + 70, block), (2 * block + 100, block), (3 * block + 200, 3 * block)]
        {
            let (_dir, partial, descriptor) = written(&blob, blob.len());
            let mut byte = [0];
            partial.file.read_exact_at(&mut byte, spoilt).unwrap();
            partial.file.write_all_at(&[byte[0] ^ 1], spoilt).unwrap();
            assert_eq!(readable(&partial, &descriptor), expected, "{spoilt}");
        }
        let (_dir, partial, descriptor) = written(&blob, blob.len());
        partial.cut(2 * block).unwrap();
        assert_eq!(readable(&partial, &descriptor), 2 * block);
    }
}
