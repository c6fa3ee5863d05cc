//! The process in a user namespace that opens files for another: its life, from its beginning to its end.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::{ffi::OsStr, path::Path};

use nix::sched::{CloneFlags, unshare};
use rustix::io::Errno;

use crate::beneath;
use crate::handover::{receive, send};
use crate::limits::MAX_PATH;

/// The name under which a program is started again to be the helper: it calls [`serve_files`] then, and ends.
pub const HELPER: &str = "ostree-container-storage-files";

/// Enters a user namespace of its own, in which whoever started this process gives it ids, and opens files for that process
/// until it closes its end of the socket, which is this process' standard input. Nothing but files beneath directories that
/// come through the socket is opened, and nothing is written.
///
/// # Errors
/// What is wrong with the socket. That no user namespace can be had is told through it.
pub fn serve_files() -> io::Result<()> {
    let input = io::stdin();
    // A process with more than one thread cannot do this.
    let entered = unshare(CloneFlags::CLONE_NEWUSER).map_err(|errno| Errno::from_raw_os_error(errno as i32));
    send(input.as_fd(), &answer(entered.err()), None)?;
    match entered {
        Ok(()) => Ok(answer_requests(input.as_fd())?),
        Err(errno) => Err(errno.into()),
    }
}

/// A request is a path and the directory beneath which it is, the answer an error number and, when that is 0, the file.
pub(crate) fn answer_requests(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut path = [0; MAX_PATH];
    loop {
        let (length, dir) = receive(socket, &mut path)?;
        if length == 0 {
            return Ok(());
        }
        let path = Path::new(OsStr::from_bytes(path.get(..length).unwrap_or_default()));
        match dir.ok_or(Errno::BADF).and_then(|dir| beneath::open(dir.as_fd(), path)) {
            Ok(file) => send(socket, &answer(None), Some(file.as_fd()))?,
            Err(errno) => send(socket, &answer(Some(errno)), None)?,
        }
    }
}

/// An error number as it is sent.
fn answer(errno: Option<Errno>) -> [u8; 4] {
    errno.map_or(0, Errno::raw_os_error).to_ne_bytes()
}
