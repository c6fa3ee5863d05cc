//! Opens files that belong to a user's subordinate users, by way of a helper that has their ids.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::io::Errno;

use crate::environment::Environment;
use crate::handover::{pair, receive, send};
use crate::helper::HELPER;
use crate::limits::MAX_PATH;
use crate::subordinate::{mapping, ranges};

const ELSEWHERE: &str = "; run this in the user namespace of the containers, as `podman unshare` does, or as root";

/// The helper of an image, which is started when the first file needs it.
#[derive(Debug)]
pub(crate) struct ForeignFiles {
    environment: Environment,
    started: OnceLock<Started>,
}

#[derive(Debug)]
struct Started {
    helper: Option<Helper>,
    /// What is to be said of a file that stays unreadable.
    advice: String,
}

/// Which ids the helper has.
#[derive(Debug, Clone, Copy)]
enum Ids {
    /// The user's own, and the subordinate ones.
    All,
    /// The user's own. It is above modes then.
    Own,
}

impl ForeignFiles {
    pub(crate) fn new(environment: &Environment) -> Self {
        Self { environment: environment.clone(), started: OnceLock::new() }
    }

    /// Opens a file that this process may not.
    pub(crate) fn open(&self, dir: BorrowedFd<'_>, inside: &Path) -> Result<OwnedFd, Errno> {
        self.started().helper.as_ref().ok_or(Errno::ACCESS)?.open(dir, inside)
    }

    /// The end of a sentence about a file that nobody could open: as whom else it was tried, and what is to be done.
    pub(crate) fn advice(&self) -> &str {
        &self.started().advice
    }

    fn started(&self) -> &Started {
        self.started.get_or_init(|| start(&self.environment))
    }
}

fn start(environment: &Environment) -> Started {
    // Root reads everything, and what root in a user namespace may not read, no further namespace opens.
    let Some(program) = environment.helper().filter(|_| environment.own_user() != 0) else {
        return Started { helper: None, advice: ELSEWHERE.to_owned() };
    };
    let begin = |ids| Helper::start(program, environment, ids);
    match begin(Ids::All) {
        Ok(helper) => Started { helper: Some(helper), advice: " and its subordinate ids; run this as root".to_owned() },
        Err(reason) => {
            let advice = format!(", and not by its subordinate ids ({reason}){ELSEWHERE}");
            Started { helper: begin(Ids::Own).ok(), advice }
        }
    }
}

/// The helper at work. Dropping it ends it.
#[derive(Debug)]
struct Helper {
    child: Child,
    /// One request at a time. `None` only at the end.
    socket: Mutex<Option<OwnedFd>>,
}

impl Helper {
    fn start(program: &Path, environment: &Environment, ids: Ids) -> Result<Self, String> {
        let failed = |errno: Errno| std::io::Error::from(errno).to_string();
        let (socket, theirs) = pair().map_err(failed)?;
        let mut command = Command::new(program);
        command.arg0(HELPER).stdin(theirs).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        // Else this process would keep the other end open, and never see that the helper has ended.
        drop(command);
        let helper = Self { child, socket: Mutex::new(Some(socket)) };
        helper
            .ask(|socket| receive_answer(socket).map(drop))
            .map_err(|errno| format!("no user namespace can be had: {}", failed(errno)))?;
        match ids {
            Ids::All => helper.map_all(environment)?,
            Ids::Own => helper.map_own().map_err(|error| error.to_string())?,
        }
        Ok(helper)
    }

    /// Gives the helper the subordinate ids. Nobody but these two programs may do that.
    fn map_all(&self, environment: &Environment) -> Result<(), String> {
        let own = [rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()];
        let files = [("newuidmap", "/etc/subuid"), ("newgidmap", "/etc/subgid")];
        for ((program, file), own) in files.into_iter().zip(own) {
            let words = mapping(own, &ranges(environment, file)?);
            let mut command = Command::new(program);
            command.arg(self.child.id().to_string()).args(words).stdin(Stdio::null());
            let output = command.output().map_err(|error| format!("{program}: {error}"))?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ");
                return Err(format!("{program} failed ({}): {said}", output.status));
            }
        }
        Ok(())
    }

    /// Gives the helper the user's own ids, which a user may do alone.
    fn map_own(&self) -> std::io::Result<()> {
        let of = |what: &str| format!("/proc/{}/{what}", self.child.id());
        fs::write(of("setgroups"), "deny")?;
        fs::write(of("uid_map"), format!("0 {} 1", rustix::process::geteuid().as_raw()))?;
        fs::write(of("gid_map"), format!("0 {} 1", rustix::process::getegid().as_raw()))
    }

    fn open(&self, dir: BorrowedFd<'_>, inside: &Path) -> Result<OwnedFd, Errno> {
        let path = inside.as_os_str().as_bytes();
        if path.len() > MAX_PATH {
            return Err(Errno::NAMETOOLONG);
        }
        self.ask(|socket| {
            send(socket, path, Some(dir))?;
            receive_answer(socket)?.ok_or(Errno::BADMSG)
        })
    }

    fn ask<T>(&self, talk: impl FnOnce(BorrowedFd<'_>) -> Result<T, Errno>) -> Result<T, Errno> {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        talk(socket.as_ref().ok_or(Errno::PIPE)?.as_fd())
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It ends when nobody can ask it any more.
        drop(self.socket.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        let _ = self.child.wait();
    }
}

fn receive_answer(socket: BorrowedFd<'_>) -> Result<Option<OwnedFd>, Errno> {
    let mut number = [0; 4];
    let (length, file) = receive(socket, &mut number)?;
    match (length, i32::from_ne_bytes(number)) {
        (4, 0) => Ok(file),
        (4, errno) => Err(Errno::from_raw_os_error(errno)),
        _ => Err(Errno::PIPE),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use super::*;
    use crate::helper::answer_requests;

    #[test]
    fn requests_are_answered() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("f"), "abc").unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        let (socket, theirs) = pair().unwrap();
        let serving = std::thread::spawn(move || answer_requests(theirs.as_fd()));
        let child = Command::new("true").spawn().unwrap();
        let helper = Helper { child, socket: Mutex::new(Some(socket)) };
        let below = File::open(dir.path().join("d")).unwrap();
        let dir = File::open(dir.path()).unwrap();
        let mut text = String::new();
        File::from(helper.open(dir.as_fd(), Path::new("f")).unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "abc");
        let refused = |dir: &File, path: &str| helper.open(dir.as_fd(), Path::new(path)).unwrap_err();
        assert_eq!(refused(&dir, "g"), Errno::NOENT);
        assert_eq!(refused(&below, "../f"), Errno::XDEV);
        assert_eq!(refused(&dir, &"x/".repeat(MAX_PATH)), Errno::NAMETOOLONG);
        drop(helper);
        serving.join().unwrap().unwrap();
    }

    #[test]
    fn a_helper_that_does_not_speak_is_no_helper() {
        let dir = tempfile::tempdir().unwrap();
        let file = File::open(dir.path()).unwrap();
        for (program, words) in [("/bin/true", "no user namespace"), ("/nothing/there", "/nothing/there: ")] {
            let environment = Environment::new(dir.path(), 7, &[]).with_helper(Path::new(program));
            let foreign = ForeignFiles::new(&environment);
            assert_eq!(foreign.open(file.as_fd(), Path::new("f")).unwrap_err(), Errno::ACCESS);
            assert!(foreign.advice().contains(words), "{}", foreign.advice());
        }
        // Without one, and as root, nothing is started.
        for environment in [
            Environment::new(dir.path(), 7, &[]),
            Environment::new(dir.path(), 0, &[]).with_helper(Path::new("/bin/true")),
        ] {
            let foreign = ForeignFiles::new(&environment);
            assert_eq!(foreign.open(file.as_fd(), Path::new("f")).unwrap_err(), Errno::ACCESS);
            assert_eq!(foreign.advice(), ELSEWHERE);
        }
    }
}
