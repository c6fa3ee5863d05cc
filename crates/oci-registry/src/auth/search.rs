//! Where credential files are looked for, in order.

use std::path::{Path, PathBuf};

use crate::environment::Environment;

/// A file that may hold credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Whether somebody named this very file, so that it must be ours to read.
    pub(crate) named: bool,
    /// Whether its absence is an error.
    pub(crate) required: bool,
    /// Whether it is written in the oldest way: entries and nothing around them, of whose keys only the host counts.
    pub(crate) legacy: bool,
}

/// The files to look into; the first with an entry for an image counts. `authfile` is the one that an option names.
pub(crate) fn candidates(environment: &Environment, authfile: Option<&Path>) -> Vec<Candidate> {
    let home = environment.home();
    let config = environment.path("XDG_CONFIG_HOME").or_else(|| home.as_ref().map(|home| home.join(".config")));
    let runtime = environment.path("XDG_RUNTIME_DIR");
    let mut dirs = Vec::new();
    if environment.user() == 0 {
        dirs.extend(["/run/ostree", "/etc/ostree", "/usr/lib/ostree"].map(|dir| environment.host_file(dir)));
    } else {
        dirs.extend(runtime.iter().chain(&config).map(|dir| dir.join("ostree")));
    }
    dirs.push(match &runtime {
        Some(runtime) => runtime.join("containers"),
        None => environment.host_file("/run/containers").join(environment.user().to_string()),
    });
    dirs.extend(config.map(|dir| dir.join("containers")));
    let docker = environment.path("DOCKER_CONFIG").or_else(|| home.as_ref().map(|home| home.join(".docker")));

    let file = |path, named| Candidate { path, named, required: false, legacy: false };
    let found = |path| file(path, false);
    let option = authfile.map(|path| Candidate { required: true, ..file(path.to_owned(), true) });
    let mut files: Vec<Candidate> = option.into_iter().collect();
    files.extend(environment.path("REGISTRY_AUTH_FILE").map(|path| file(path, true)));
    files.extend(dirs.into_iter().map(|dir| found(dir.join("auth.json"))));
    files.extend(docker.map(|dir| found(dir.join("config.json"))));
    files.extend(home.map(|home| Candidate { legacy: true, ..found(home.join(".dockercfg")) }));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(user: u32, variables: &[(&str, &str)]) -> Vec<String> {
        let environment = Environment::new(Path::new("/"), user, variables);
        candidates(&environment, None).iter().map(|c| c.path.display().to_string()).collect()
    }

    #[test]
    fn root_and_users_have_their_order() {
        let variables = [("XDG_RUNTIME_DIR", "/r"), ("HOME", "/h"), ("REGISTRY_AUTH_FILE", "/e")];
        let root = [
            "/e",
            "/run/ostree/auth.json",
            "/etc/ostree/auth.json",
            "/usr/lib/ostree/auth.json",
            "/r/containers/auth.json",
            "/h/.config/containers/auth.json",
            "/h/.docker/config.json",
            "/h/.dockercfg",
        ];
        assert_eq!(paths(0, &variables), root);
        let user = [
            "/r/ostree/auth.json",
            "/h/.config/ostree/auth.json",
            "/r/containers/auth.json",
            "/h/.config/containers/auth.json",
            "/h/.docker/config.json",
            "/h/.dockercfg",
        ];
        assert_eq!(paths(7, &variables[..2]), user);
        assert_eq!(paths(7, &[]), ["/run/containers/7/auth.json"]);
        let moved = [("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("DOCKER_CONFIG", "/d")];
        let files = [
            "/c/ostree/auth.json",
            "/run/containers/7/auth.json",
            "/c/containers/auth.json",
            "/d/config.json",
            "/h/.dockercfg",
        ];
        assert_eq!(paths(7, &moved), files);
    }

    #[test]
    fn a_named_file_comes_first_and_must_be_there() {
        let environment = Environment::new(Path::new("/"), 0, &[("REGISTRY_AUTH_FILE", "/e")]);
        let files = candidates(&environment, Some(Path::new("/n")));
        assert!(files[0].required && files[0].path == Path::new("/n"));
        assert!(!files[1].required && files[1].named && files[1].path == Path::new("/e"));
        assert!(!files[2].named);
    }
}
