//! Where credential files are looked for, in order.

use std::env;
use std::path::{Path, PathBuf};

/// What decides about the places: the user and the environment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// `REGISTRY_AUTH_FILE`.
    pub(crate) explicit: Option<PathBuf>,
    /// The user's number.
    pub(crate) user: u32,
    /// `XDG_RUNTIME_DIR`.
    pub(crate) runtime: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub(crate) config: Option<PathBuf>,
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// `DOCKER_CONFIG`.
    pub(crate) docker: Option<PathBuf>,
}

/// A file that may hold credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Whether somebody asked for this very file, so that its absence is an error.
    pub(crate) required: bool,
    /// Whether its keys are of the older kind, addresses of which only the host counts.
    pub(crate) legacy: bool,
}

impl Places {
    /// As they are for this process.
    pub(crate) fn of_this_process() -> Self {
        let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            explicit: path("REGISTRY_AUTH_FILE"),
            user: rustix::process::geteuid().as_raw(),
            runtime: path("XDG_RUNTIME_DIR"),
            config: path("XDG_CONFIG_HOME"),
            home: path("HOME"),
            docker: path("DOCKER_CONFIG"),
        }
    }

    /// The files to look into, the first that knows a registry counts. A file that was asked for is the only one.
    pub(crate) fn files(&self, authfile: Option<&Path>) -> Vec<Candidate> {
        if let Some(path) = authfile.or(self.explicit.as_deref()) {
            return vec![Candidate { path: path.to_owned(), required: true, legacy: false }];
        }
        let config = self.config.clone().or_else(|| self.home.as_ref().map(|home| home.join(".config")));
        let mut dirs = Vec::new();
        if self.user == 0 {
            dirs.extend(["/run/ostree", "/etc/ostree", "/usr/lib/ostree"].map(PathBuf::from));
        } else {
            dirs.extend(self.runtime.iter().chain(&config).map(|dir| dir.join("ostree")));
        }
        dirs.push(match &self.runtime {
            Some(runtime) => runtime.join("containers"),
            None => PathBuf::from(format!("/run/containers/{}", self.user)),
        });
        dirs.extend(config.map(|dir| dir.join("containers")));
        let plain = |dir: PathBuf| Candidate { path: dir.join("auth.json"), required: false, legacy: false };
        let mut files: Vec<Candidate> = dirs.into_iter().map(plain).collect();
        let docker = self.docker.clone().or_else(|| self.home.as_ref().map(|home| home.join(".docker")));
        files.extend(docker.map(|dir| Candidate { path: dir.join("config.json"), required: false, legacy: true }));
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(places: &Places) -> Vec<String> {
        places.files(None).iter().map(|c| c.path.display().to_string()).collect()
    }

    #[test]
    fn root_and_users_have_their_order() {
        let places = Places { runtime: Some("/r".into()), home: Some("/h".into()), ..Default::default() };
        let root = [
            "/run/ostree/auth.json",
            "/etc/ostree/auth.json",
            "/usr/lib/ostree/auth.json",
            "/r/containers/auth.json",
            "/h/.config/containers/auth.json",
            "/h/.docker/config.json",
        ];
        assert_eq!(paths(&places), root);
        let user = [
            "/r/ostree/auth.json",
            "/h/.config/ostree/auth.json",
            "/r/containers/auth.json",
            "/h/.config/containers/auth.json",
            "/h/.docker/config.json",
        ];
        assert_eq!(paths(&Places { user: 7, ..places }), user);
        assert_eq!(paths(&Places { user: 7, ..Default::default() }), ["/run/containers/7/auth.json"]);
    }

    #[test]
    fn a_named_file_is_the_only_one() {
        let places = Places { explicit: Some("/e".into()), home: Some("/h".into()), ..Default::default() };
        assert_eq!(paths(&places), ["/e"]);
        let named = places.files(Some(Path::new("/n")));
        assert!(named.len() == 1 && named[0].required && named[0].path == Path::new("/n"));
    }
}
