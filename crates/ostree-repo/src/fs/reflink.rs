//! Copying a file's content by reference where the file system can, inside the kernel where it cannot.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;

use crate::limits::COPY_BUFFER;

/// Which ways of copying the file systems at hand have turned out not to offer, so that they are tried once only.
#[derive(Debug, Default)]
pub struct CopyAbilities {
    no_clone: AtomicBool,
    no_kernel_copy: AtomicBool,
}

impl CopyAbilities {
    /// Whether cloning has not failed yet.
    pub fn may_clone(&self) -> bool {
        !self.no_clone.load(Ordering::Relaxed)
    }
}

/// Copies the first `size` bytes of `from` into the empty file `to`; both stand at their start. A shorter `from` is an
/// error.
pub fn copy(from: &File, to: &File, size: u64, abilities: &CopyAbilities) -> io::Result<()> {
    if size > 0 && abilities.may_clone() {
        match rustix::fs::ioctl_ficlone(to, from) {
            Ok(()) => return Ok(()),
            // The range belongs to this pair of files, so others may still be clonable.
            Err(Errno::TXTBSY | Errno::INTR) => {}
            Err(_) => abilities.no_clone.store(true, Ordering::Relaxed),
        }
    }
    let mut left = size;
    while left > 0 && !abilities.no_kernel_copy.load(Ordering::Relaxed) {
        let step = usize::try_from(left).unwrap_or(usize::MAX).min(1 << 30);
        match rustix::fs::copy_file_range(from, None, to, None, step) {
            // The end, or a file system that pretends: reading tells which.
            Ok(0) => break,
            Ok(copied) => left = left.saturating_sub(copied as u64),
            Err(Errno::INTR) => {}
            Err(Errno::NOSYS | Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::PERM) => {
                abilities.no_kernel_copy.store(true, Ordering::Relaxed);
            }
            Err(e) => return Err(e.into()),
        }
    }
    match left {
        0 => Ok(()),
        left => copy_stream(&mut &*from, to, left),
    }
}

/// Copies exactly `size` bytes from a stream; one that ends earlier is an error.
pub fn copy_stream(from: &mut dyn Read, mut to: &File, size: u64) -> io::Result<()> {
    let mut buffer = vec![0; COPY_BUFFER.min(usize::try_from(size).unwrap_or(COPY_BUFFER))];
    let mut left = size;
    while left > 0 {
        let limit = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let room = buffer.get_mut(..limit).unwrap_or_default();
        let read = match from.read(room) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        to.write_all(room.get(..read).unwrap_or_default())?;
        left -= read as u64;
    }
    Ok(())
}
