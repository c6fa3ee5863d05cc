//! Where the storage is: from the reference, else from `storage.conf` (containers-storage.conf(5)), else the usual place.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::environment::Environment;
use crate::error::StorageError;
use crate::expand::expand;
use crate::limits::MAX_CONF;
use crate::open;
use crate::options::image_stores;
use crate::reference::StoreSpec;

/// The places of a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The storage driver, where one is named.
    pub driver: Option<String>,
    /// The graph root.
    pub root: PathBuf,
    /// Further graph roots, whose images and layers are there too.
    pub image_stores: Vec<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Conf {
    storage: Storage,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Storage {
    driver: String,
    graphroot: String,
    imagestore: String,
    rootless_storage_path: String,
    options: Options,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Options {
    additionalimagestores: Vec<String>,
}

impl Layout {
    /// The places that `spec` names, else those of the surroundings.
    ///
    /// # Errors
    /// [`StorageError::Io`] and [`StorageError::File`] for a `storage.conf` that cannot be read.
    pub fn find(spec: Option<StoreSpec>, environment: &Environment) -> Result<Self, StorageError> {
        match spec {
            Some(StoreSpec { driver, root, image_stores }) => Ok(Self { driver, root, image_stores }),
            None => Self::of_surroundings(environment),
        }
    }

    fn of_surroundings(environment: &Environment) -> Result<Self, StorageError> {
        let rootless = environment.user() != 0;
        if let Some(path) = environment.path("CONTAINERS_STORAGE_CONF") {
            let named = read_first(std::slice::from_ref(&path))?;
            let reason = "CONTAINERS_STORAGE_CONF names it, but it is not there".to_owned();
            let named = named.ok_or(StorageError::File { path, reason })?;
            return Self::of_storage(named.storage, environment);
        }
        let system = read_first(&system_files(environment))?;
        let own = match user_file(environment).filter(|_| rootless) {
            Some(path) => read_first(&[path])?,
            None => None,
        };
        // A user's file stands alone; of the system's, users take the driver and their storage's place only.
        let system = system.unwrap_or_default().storage;
        let storage = match (rootless, own) {
            (false, _) => system,
            (true, own) => {
                let mut own = own.unwrap_or_default().storage;
                if own.rootless_storage_path.is_empty() {
                    own.rootless_storage_path = system.rootless_storage_path;
                }
                if own.driver.is_empty() {
                    own.driver = system.driver;
                }
                own
            }
        };
        Self::of_storage(storage, environment)
    }

    /// The places that settings name, else the usual ones.
    fn of_storage(storage: Storage, environment: &Environment) -> Result<Self, StorageError> {
        let rootless = environment.user() != 0;
        let driver = environment.text("STORAGE_DRIVER").map(str::to_owned);
        let root = match (&storage.graphroot, &storage.rootless_storage_path) {
            (root, _) if !root.is_empty() => real(expand(root, environment)),
            (_, path) if rootless && !path.is_empty() => real(expand(path, environment)),
            _ if rootless => usual_of_user(environment)?,
            _ => environment.host_file("/var/lib/containers/storage"),
        };
        let path = |text: String| Some(PathBuf::from(text)).filter(|path| !path.as_os_str().is_empty());
        let further: Vec<PathBuf> = match environment.variable("STORAGE_OPTS") {
            // They are in the place of the file's, even if there are none.
            Some(options) => image_stores(&options.to_string_lossy()),
            None => storage.options.additionalimagestores.into_iter().filter_map(path).collect(),
        };
        Ok(Self {
            driver: driver.or_else(|| Some(storage.driver).filter(|driver| !driver.is_empty())),
            root,
            image_stores: path(storage.imagestore).into_iter().chain(further).collect(),
        })
    }
}

/// The files of the system, of which the first that is there counts.
fn system_files(environment: &Environment) -> [PathBuf; 2] {
    ["/etc/containers/storage.conf", "/usr/share/containers/storage.conf"].map(|path| environment.host_file(path))
}

/// The file of a user who is not root.
fn user_file(environment: &Environment) -> Option<PathBuf> {
    Some(config_home(environment)?.join("containers/storage.conf"))
}

fn config_home(environment: &Environment) -> Option<PathBuf> {
    environment.path("XDG_CONFIG_HOME").or_else(|| Some(environment.home()?.join(".config")))
}

fn usual_of_user(environment: &Environment) -> Result<PathBuf, StorageError> {
    let data = environment.path("XDG_DATA_HOME").or_else(|| Some(environment.home()?.join(".local/share")));
    let data = data.ok_or_else(|| StorageError::NoStore {
        path: PathBuf::from("~/.local/share/containers/storage"),
        reason: "neither HOME nor XDG_DATA_HOME is set".to_owned(),
    })?;
    Ok(data.join("containers/storage"))
}

/// A path of the settings as rules are looked up for it: without links, as the storage's own programs have it.
fn real(path: PathBuf) -> PathBuf {
    path.canonicalize().unwrap_or(path)
}

/// The first of some files that is there.
fn read_first(paths: &[PathBuf]) -> Result<Option<Conf>, StorageError> {
    for path in paths {
        if let Some(text) = read(path)? {
            let parsed: Result<Conf, _> = toml::from_str(&text);
            let wrong = |error: toml::de::Error| StorageError::File {
                path: path.clone(),
                reason: error.to_string().trim().replace('\n', " "),
            };
            return parsed.map(Some).map_err(wrong);
        }
    }
    Ok(None)
}

fn read(path: &Path) -> Result<Option<String>, StorageError> {
    let Some(file) = open::regular(path)? else { return Ok(None) };
    let mut text = String::new();
    let read = file.take(MAX_CONF).read_to_string(&mut text);
    read.map_err(|source| StorageError::Io { action: "reading", path: path.to_owned(), source })?;
    if text.len() as u64 == MAX_CONF {
        return Err(StorageError::File { path: path.to_owned(), reason: format!("{MAX_CONF} bytes or more") });
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Host(tempfile::TempDir);

    impl Host {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn file(self, path: &str, text: &str) -> Self {
            let path = self.0.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            self
        }

        fn layout(&self, user: u32, variables: &[(&str, &str)]) -> Layout {
            Layout::find(None, &Environment::new(self.0.path(), user, variables)).unwrap()
        }
    }

    #[test]
    fn usual_places() {
        let host = Host::new();
        let root = host.layout(0, &[]);
        assert_eq!(root.root, host.0.path().join("var/lib/containers/storage"));
        assert_eq!(host.layout(7, &[("HOME", "/h")]).root, Path::new("/h/.local/share/containers/storage"));
        let variables = [("HOME", "/h"), ("XDG_DATA_HOME", "/d"), ("STORAGE_DRIVER", "vfs")];
        let user = host.layout(7, &variables);
        assert!(user.image_stores.is_empty());
        let options = [("HOME", "/h"), ("STORAGE_OPTS", "vfs.imagestore=/o")];
        assert_eq!(host.layout(7, &options).image_stores, [PathBuf::from("/o")]);
        assert_eq!((user.root.as_path(), user.driver.as_deref()), (Path::new("/d/containers/storage"), Some("vfs")));
        // In a user namespace a user seems to be root.
        let inside = host.layout(0, &[("HOME", "/h"), ("_CONTAINERS_ROOTLESS_UID", "7")]);
        assert_eq!(inside.root, Path::new("/h/.local/share/containers/storage"));
        assert!(Layout::find(None, &Environment::new(host.0.path(), 7, &[])).is_err());
    }

    #[test]
    fn files_count_in_their_order() {
        let host = Host::new()
            .file("usr/share/containers/storage.conf", "[storage]\ngraphroot = \"/usr-g\"\n")
            .file("own.conf", "[storage]\ngraphroot = \"/own\"\ndriver = \"vfs\"\nimagestore = \"/i\"\n[storage.options]\nadditionalimagestores = [\"/a\", \"\"]\n");
        assert_eq!(host.layout(0, &[]).root, Path::new("/usr-g"));
        let host = host.file(
            "etc/containers/storage.conf",
            "[storage]\ngraphroot = \"/etc-g\"\nrootless_storage_path = \"/s/$UID/${USER}\"\n",
        );
        assert_eq!(host.layout(0, &[]).root, Path::new("/etc-g"));
        let own = host.0.path().join("own.conf");
        for user in [0, 7] {
            for (options, stores) in
                [("overlay.imagestore=/o,x=y,.imagestore=/p", vec!["/i", "/o", "/p"]), ("", vec!["/i"])]
            {
                let variables = [("CONTAINERS_STORAGE_CONF", own.to_str().unwrap()), ("STORAGE_OPTS", options)];
                assert_eq!(
                    host.layout(user, &variables).image_stores,
                    stores.into_iter().map(PathBuf::from).collect::<Vec<_>>()
                );
            }
            let layout = host.layout(user, &[("CONTAINERS_STORAGE_CONF", own.to_str().unwrap())]);
            let stores = vec!["/i".into(), "/a".into()];
            assert_eq!(layout, Layout { driver: Some("vfs".into()), root: "/own".into(), image_stores: stores });
        }
        assert_eq!(host.layout(7, &[("HOME", "/h"), ("USER", "u")]).root, Path::new("/s/7/u"));
        let host = host.file("h/.config/containers/storage.conf", "[storage]\ngraphroot = \"$DISK/$UID\"\n");
        let home = host.0.path().join("h");
        assert_eq!(host.layout(7, &[("HOME", home.to_str().unwrap()), ("DISK", "/d")]).root, Path::new("/d/7"));
    }

    #[test]
    fn broken_and_missing_files_are_named() {
        let host = Host::new().file("etc/containers/storage.conf", "[storage\n");
        let error = Layout::find(None, &Environment::new(host.0.path(), 0, &[])).unwrap_err();
        assert!(error.to_string().contains("etc/containers/storage.conf: "), "{error}");
        for user in [0, 7] {
            let variables = [("HOME", "/h"), ("CONTAINERS_STORAGE_CONF", "/nowhere/own.conf")];
            let error = Layout::find(None, &Environment::new(host.0.path(), user, &variables)).unwrap_err();
            assert!(error.to_string().starts_with("/nowhere/own.conf: CONTAINERS_STORAGE_CONF names it"), "{error}");
        }
    }
}
