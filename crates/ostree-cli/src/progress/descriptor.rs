//! A file descriptor that was handed to this process, by its number.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::time::Duration;

use anyhow::Result;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use crate::exit::UsageError;

/// How long to wait for a descriptor that takes nothing now and does not make its writers wait.
const FULL: Duration = Duration::from_millis(20);

/// A descriptor for writing, that may be one that does not block.
#[derive(Debug)]
pub struct Descriptor(File);

/// A copy of the open descriptor `number`.
///
/// # Errors
/// [`UsageError`], if it is not open for writing.
pub fn open(number: i32) -> Result<Descriptor> {
    let refused = |problem: &str| UsageError(format!("--progress-fd {number}: {problem}"));
    let file = match copy(number) {
        Ok(file) => file,
        Err(Errno::BADF) => return Err(refused("not an open file descriptor").into()),
        // A container may forbid it, or the kernel be too old. Sockets cannot be opened this way.
        Err(_) => OpenOptions::new()
            .append(true)
            .open(format!("/proc/self/fd/{number}"))
            .map_err(|problem| refused(&problem.to_string()))?,
    };
    let flags = rustix::fs::fcntl_getfl(&file).map_err(|problem| refused(&problem.to_string()))?;
    match flags.intersects(OFlags::WRONLY | OFlags::RDWR) && !flags.contains(OFlags::PATH) {
        true => Ok(Descriptor(file)),
        false => Err(refused("not open for writing").into()),
    }
}

/// Copies one of this process's own descriptors, position and all.
fn copy(number: i32) -> Result<File, Errno> {
    let own = pidfd_open(getpid(), PidfdFlags::empty())?;
    Ok(File::from(pidfd_getfd(&own, number, PidfdGetfdFlags::empty())?))
}

impl Write for Descriptor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(problem) if problem.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(FULL),
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsRawFd;

    #[test]
    fn only_what_is_open_for_writing_is_taken() {
        let (mut reader, writer) = io::pipe().unwrap();
        open(writer.as_raw_fd()).unwrap().write_all(b"x").unwrap();
        let text = open(reader.as_raw_fd()).unwrap_err().to_string();
        assert!(text.ends_with(": not open for writing"), "{text}");
        let number = writer.as_raw_fd();
        drop(writer);
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, "x");
        assert!(number > 0 && open(i32::MAX).unwrap_err().is::<UsageError>());
    }
}
