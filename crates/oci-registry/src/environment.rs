//! What decides which of the host's settings files are read: the variables, the user, and the root of the file system.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::file;

/// Every variable that means something to this crate.
const NAMES: [&str; 18] = [
    "HOME",
    "PATH",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_CACHE_HOME",
    "DOCKER_CONFIG",
    "REGISTRY_AUTH_FILE",
    "CONTAINERS_REGISTRIES_CONF",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// The surroundings of a session. The default is those of this process. A credential file is read once for it and all its
/// clones: it may be a pipe, and what is read later may not be the same.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    user: u32,
    root: PathBuf,
    /// Credential files as they were when they were first read.
    read: Arc<Mutex<BTreeMap<PathBuf, Arc<Vec<u8>>>>>,
}

impl Environment {
    /// The variables and the user of this process, and the host's own files.
    #[must_use]
    pub fn of_this_process() -> Self {
        let variables = NAMES.iter().filter_map(|name| Some(((*name).to_owned(), env::var_os(name)?)));
        Self {
            variables: variables.collect(),
            user: rustix::process::geteuid().as_raw(),
            root: PathBuf::from("/"),
            read: Arc::default(),
        }
    }

    /// Other surroundings: `root` is where `/etc`, `/run`, `/usr`, `/var` and root's home are looked for, `user` the
    /// number of the user. Paths in `variables` are taken as they are.
    #[must_use]
    pub fn new(root: &Path, user: u32, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
        Self { variables, user, root: root.to_owned(), read: Arc::default() }
    }

    /// The number of the user.
    pub(crate) fn user(&self) -> u32 {
        self.user
    }

    /// The path in a variable; `None` when the variable is not set or empty.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.variables.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// The text in the first of some variables that is set and not empty.
    pub(crate) fn text(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.variables.get(*name)?.to_str().filter(|value| !value.is_empty()))
    }

    /// A file of the host, given by its absolute path.
    pub(crate) fn host_file(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The content of a file, read once.
    pub(crate) fn read_once(&self, path: &Path, limit: u64) -> io::Result<Arc<Vec<u8>>> {
        let mut read = self.read.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(content) = read.get(path) {
            return Ok(Arc::clone(content));
        }
        let content = Arc::new(file::read_raw(path, limit)?);
        read.insert(path.to_owned(), Arc::clone(&content));
        Ok(content)
    }

    /// The file of a program, looked for in `PATH`; `None` when it is not there.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        let path = self.variables.get("PATH")?;
        let is_program =
            |path: &PathBuf| path.metadata().is_ok_and(|stat| stat.is_file() && stat.permissions().mode() & 0o111 != 0);
        env::split_paths(path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(name)).find(is_program)
    }

    /// The user's home. Services of the system run without `HOME`, where root's is known all the same.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.path("HOME").or_else(|| (self.user == 0).then(|| self.host_file("/root")))
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::of_this_process()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values stay out: the address of a proxy may hold a password.
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("user", &self.user)
            .field("root", &self.root)
            .finish()
    }
}
