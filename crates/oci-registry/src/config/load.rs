//! Finds the `registries.conf` files of a host and reads their text.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::error::RegistryError;
use crate::{file, limits};

const WHAT: &str = "registries configuration";

/// A file and its text.
pub(super) type Text = (PathBuf, String);

/// The files of a host.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// The one that is named or found first.
    pub(super) main: Option<Text>,
    /// Those beside it, those that count more last.
    pub(super) dropins: Vec<Text>,
}

/// Finds and reads the files.
pub(super) fn files(environment: &Environment) -> Result<Files, RegistryError> {
    let user = environment.home().map(|home| home.join(".config/containers"));
    let named = environment.path("CONTAINERS_REGISTRIES_CONF");
    let mut files = Files::default();
    let mut users_own = false;
    if let Some(path) = named {
        let text = read(&path)?.ok_or_else(|| {
            let source = io::Error::from(ErrorKind::NotFound);
            RegistryError::ReadFile { what: WHAT, path: path.clone(), source }
        })?;
        files.main = Some((path, text));
    } else {
        let system = ["/etc/containers", "/usr/share/containers"].map(|dir| environment.host_file(dir));
        for (number, dir) in user.iter().chain(&system).enumerate() {
            let path = dir.join("registries.conf");
            if let Some(text) = read(&path)? {
                users_own = user.is_some() && number == 0;
                files.main = Some((path, text));
                break;
            }
        }
    }
    let mut dropins = BTreeMap::new();
    if !users_own {
        for dir in ["/usr/share/containers", "/etc/containers"] {
            for path in dropins_of(&environment.host_file(dir))? {
                dropins.insert(path.file_name().map(ToOwned::to_owned), path);
            }
        }
    }
    let users = user.map(|dir| dropins_of(&dir)).transpose()?.unwrap_or_default();
    for path in dropins.into_values().chain(users) {
        if let Some(text) = read(&path)? {
            files.dropins.push((path, text));
        }
    }
    Ok(files)
}

/// The file with the aliases other programs recorded after their user chose one, which need not be there.
pub(super) fn recorded_aliases(environment: &Environment) -> Option<PathBuf> {
    let cache = if environment.user() == 0 {
        Some(environment.host_file("/var/cache"))
    } else {
        environment.path("XDG_CACHE_HOME").or_else(|| environment.home().map(|home| home.join(".cache")))
    };
    cache.map(|dir| dir.join("containers/short-name-aliases.conf"))
}

/// The drop-ins below a directory, by name.
fn dropins_of(dir: &Path) -> Result<Vec<PathBuf>, RegistryError> {
    let dir = dir.join("registries.conf.d");
    let failed = |source: io::Error| RegistryError::ReadFile { what: WHAT, path: dir.clone(), source };
    let entries = match dir.read_dir() {
        Ok(entries) => entries,
        Err(e) if is_absent(&e) => return Ok(Vec::new()),
        Err(e) => return Err(failed(e)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "conf") && !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The text of a file; `None` when it is not there.
pub(super) fn read(path: &Path) -> Result<Option<String>, RegistryError> {
    match file::read_raw(path, limits::REGISTRIES_FILE_BYTES) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| bad(path, "it is not text".to_owned())),
        Err(e) if is_absent(&e) => Ok(None),
        Err(source) => Err(RegistryError::ReadFile { what: WHAT, path: path.to_owned(), source }),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// A file whose content is not usable.
pub(super) fn bad(path: &Path, reason: String) -> RegistryError {
    RegistryError::BadFile { what: WHAT, path: path.to_owned(), reason }
}
