//! What decides which storage is meant where a reference names none: the variables, the user, and the root of the file system.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::limits::LOCK_WAIT;

/// Whose storage it is when a program runs in a user namespace that was made for it, where it seems to be root.
const ROOTLESS_UID: &str = "_CONTAINERS_ROOTLESS_UID";

/// The surroundings of a session. The default is those of this process.
#[derive(Debug, Clone)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    user: u32,
    root: PathBuf,
    helper: Option<PathBuf>,
    lock_wait: Duration,
}

impl Environment {
    /// The variables and the user of this process, and the host's own files.
    #[must_use]
    pub fn of_this_process() -> Self {
        // All of them: a `storage.conf` may name any in its paths.
        let variables = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let user = rustix::process::geteuid().as_raw();
        Self { variables: variables.collect(), user, root: PathBuf::from("/"), helper: None, lock_wait: LOCK_WAIT }
    }

    /// Other surroundings: `root` is where `/etc`, `/usr`, `/var` and root's home are looked for, `user` the number of the
    /// user. Paths in `variables` are taken as they are.
    #[must_use]
    pub fn new(root: &Path, user: u32, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
        Self { variables, user, root: root.to_owned(), helper: None, lock_wait: LOCK_WAIT }
    }

    /// Lets files that belong to the user's subordinate users be opened by a process that has their ids. `program` is started
    /// for that under the name [`crate::HELPER`], and must call [`crate::serve_files`] then; `newuidmap` and `newgidmap` give
    /// it the ids. Without, such files are refused.
    #[must_use]
    pub fn with_helper(self, program: &Path) -> Self {
        Self { helper: Some(program.to_owned()), ..self }
    }

    /// How long a storage that another program keeps locked is waited for; [`LOCK_WAIT`] where this is not called. An engine
    /// that unpacks a large layer holds the lock all the while.
    #[must_use]
    pub fn with_lock_wait(self, lock_wait: Duration) -> Self {
        Self { lock_wait, ..self }
    }

    /// How long a lock is waited for.
    pub(crate) fn lock_wait(&self) -> Duration {
        self.lock_wait
    }

    /// The program that is started as helper.
    pub(crate) fn helper(&self) -> Option<&Path> {
        self.helper.as_deref()
    }

    /// The number of the user as whom this process runs.
    pub(crate) fn own_user(&self) -> u32 {
        self.user
    }

    /// The number of the user whose storage it is.
    pub(crate) fn user(&self) -> u32 {
        self.text(ROOTLESS_UID).and_then(|uid| uid.parse().ok()).unwrap_or(self.user)
    }

    /// What a variable holds; `None` when it is not set.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(name).map(OsString::as_os_str)
    }

    /// The path in a variable; `None` when the variable is not set or empty.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.variables.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// The text in a variable; `None` when the variable is not set, empty, or no text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.to_str().filter(|value| !value.is_empty())
    }

    /// A file of the host, given by its absolute path.
    pub(crate) fn host_file(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The user's home. Services of the system run without `HOME`, where root's is known all the same.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.path("HOME").or_else(|| (self.user() == 0).then(|| self.host_file("/root")))
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::of_this_process()
    }
}
