//! `registries.d`: where the signatures of images on registries are kept (containers-registries.d(5)).

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{TrustError, shown};
use crate::json::{At, Json};
use crate::limits::{REGISTRIES_D_BYTES, REGISTRIES_D_FILES};
use oci_image::Named;

/// What one section says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// The address of the store that signatures are read from.
    pub lookaside: Option<String>,
    /// The address of the store that signatures are written to, where it is another one.
    pub lookaside_staging: Option<String>,
    /// Whether signatures are kept beside the image, on the registry itself.
    pub use_sigstore_attachments: Option<bool>,
    /// The file that says so.
    pub path: PathBuf,
}

/// All files together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignatureStores {
    default: Option<Section>,
    scopes: BTreeMap<String, Section>,
    /// The store of images that no file says anything about.
    built_in: Option<String>,
}

/// Which directory is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorePlaces {
    /// The directory that the user named; no other is looked for.
    pub named: Option<PathBuf>,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// Whether the user is root.
    pub is_root: bool,
}

const SYSTEM: &str = "/etc/containers/registries.d";

impl StorePlaces {
    /// Reads the files; a directory that is not there has none.
    ///
    /// # Errors
    /// [`TrustError::Io`] for what cannot be read, [`TrustError::BadFile`] for what breaks the format, and for a section that
    /// two files have.
    pub fn read(&self) -> Result<SignatureStores, TrustError> {
        let own = self.home.as_ref().map(|home| home.join(".config/containers/registries.d"));
        let directory = match &self.named {
            Some(named) => named.clone(),
            None => own.filter(|own| own.exists()).unwrap_or_else(|| PathBuf::from(SYSTEM)),
        };
        let mut stores = SignatureStores { built_in: self.built_in(), ..SignatureStores::default() };
        for path in files(&directory)? {
            let failed = |source| TrustError::Io { action: "reading", path: path.clone(), source };
            let mut text = String::new();
            let file = std::fs::File::open(&path).map_err(failed)?;
            file.take(REGISTRIES_D_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
            stores.add(&text, &path)?;
        }
        Ok(stores)
    }

    fn built_in(&self) -> Option<String> {
        let directory = match &self.home {
            _ if self.is_root => PathBuf::from("/var/lib/containers/sigstore"),
            home => home.as_ref()?.join(".local/share/containers/sigstore"),
        };
        Some(format!("file://{}", directory.display()))
    }
}

fn files(directory: &Path) -> Result<Vec<PathBuf>, TrustError> {
    let failed = |source| TrustError::Io { action: "reading", path: directory.to_owned(), source };
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
        if files.len() > REGISTRIES_D_FILES {
            return Err(failed(std::io::Error::other(format!("more than {REGISTRIES_D_FILES} files"))));
        }
    }
    files.sort();
    Ok(files)
}

impl SignatureStores {
    /// Adds what a file says.
    ///
    /// # Errors
    /// [`TrustError::BadFile`].
    pub fn add(&mut self, text: &str, path: &Path) -> Result<(), TrustError> {
        self.add_text(text, path).map_err(|reason| TrustError::BadFile {
            what: "signature stores",
            path: path.to_owned(),
            reason,
        })
    }

    fn add_text(&mut self, text: &str, path: &Path) -> Result<(), String> {
        if text.len() as u64 > REGISTRIES_D_BYTES {
            return Err(format!("larger than {REGISTRIES_D_BYTES} bytes"));
        }
        let json: Json = serde_saphyr::from_str(text).map_err(|error| error.without_snippet().to_string())?;
        if json == Json::Null {
            return Ok(());
        }
        let mut members = At::top(&json).object()?;
        if let Some(at) = members.optional("default-docker").filter(|at| *at.json != Json::Null) {
            let section = Section::read(&at, path)?;
            if let Some(before) = self.default.replace(section) {
                return Err(at.wrong(format_args!("{} has it too", before.path.display())));
            }
        }
        if let Some(at) = members.optional("docker").filter(|at| *at.json != Json::Null) {
            for (scope, at) in at.object()?.rest() {
                let section = Section::read(&at, path)?;
                if let Some(before) = self.scopes.insert(scope.to_owned(), section) {
                    return Err(at.wrong(format_args!("{} has it too", before.path.display())));
                }
            }
        }
        Ok(())
    }

    /// The address below which the signatures of an image are read.
    pub fn lookaside(&self, image: &Named) -> Option<&str> {
        self.find(image, |section| section.lookaside.as_deref()).or(self.built_in.as_deref())
    }

    /// The address below which the signatures of an image are written.
    pub fn lookaside_to_write(&self, image: &Named) -> Option<&str> {
        let find = |section: &'_ Section| section.lookaside_staging.is_some() || section.lookaside.is_some();
        let section = self.sections(image).find(|section| find(section));
        let address = section.and_then(|section| section.lookaside_staging.as_deref().or(section.lookaside.as_deref()));
        address.or(self.built_in.as_deref())
    }

    /// Whether signatures of an image are kept beside it, on the registry itself.
    pub fn uses_attachments(&self, image: &Named) -> bool {
        self.find(image, |section| section.use_sigstore_attachments).unwrap_or(false)
    }

    /// What the most precise section says that says anything about it.
    fn find<'a, T>(&'a self, image: &Named, what: impl Fn(&'a Section) -> Option<T>) -> Option<T> {
        self.sections(image).find_map(what)
    }

    fn sections<'a>(&'a self, image: &Named) -> impl Iterator<Item = &'a Section> {
        let scopes: Vec<&Section> = image.scopes().iter().filter_map(|scope| self.scopes.get(scope)).collect();
        scopes.into_iter().chain(&self.default)
    }
}

impl Section {
    fn read(at: &At<'_>, path: &Path) -> Result<Self, String> {
        let mut section = Self { path: path.to_owned(), ..Self::default() };
        if *at.json == Json::Null {
            return Ok(section);
        }
        // What else is there is for other programs.
        let mut members = at.object()?;
        let mut text = |names: [&str; 2]| -> Result<Option<String>, String> {
            let found = names.map(|name| members.optional(name));
            let at = found.into_iter().flatten().find(|at| *at.json != Json::Null);
            Ok(at.map(|at| at.text().map(str::to_owned)).transpose()?.filter(|text| !text.is_empty()))
        };
        section.lookaside = text(["lookaside", "sigstore"])?;
        section.lookaside_staging = text(["lookaside-staging", "sigstore-staging"])?;
        section.use_sigstore_attachments =
            members.optional("use-sigstore-attachments").map(|at| boolean(&at)).transpose()?.flatten();
        Ok(section)
    }
}

/// A boolean in any of the words that YAML has had for it.
fn boolean(at: &At<'_>) -> Result<Option<bool>, String> {
    let word = match at.json {
        Json::Null => return Ok(None),
        Json::Bool(value) => return Ok(Some(*value)),
        _ => at.text()?,
    };
    match word.to_ascii_lowercase().as_str() {
        "y" | "yes" | "on" | "true" => Ok(Some(true)),
        "n" | "no" | "off" | "false" => Ok(Some(false)),
        _ => Err(at.wrong(format_args!("expected true or false, found {:?}", shown(word)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stores(texts: &[&str]) -> Result<SignatureStores, TrustError> {
        let mut stores = SignatureStores::default();
        for (index, text) in texts.iter().enumerate() {
            stores.add(text, Path::new(&format!("{index}.yaml")))?;
        }
        Ok(stores)
    }

    #[test]
    fn the_most_precise_section_that_says_it() {
        let one = "default-docker:\n  lookaside: file:///default\ndocker:\n  h.example:\n    sigstore: https://old.example/\n    \
            use-sigstore-attachments: true\n  h.example:5000/p/os:1:\n    lookaside-staging: file:///staging\n";
        let two = "docker:\n  \"*.example\":\n    lookaside: file:///wild\n    use-sigstore-attachments: yes\n  h.example/q: {lookaside: 'file:///q'}\n";
        let stores = stores(&[one, two, "", "# nothing\n"]).unwrap();
        let named = |text: &str| Named::parse(text).unwrap();
        let lookaside = |text: &str| stores.lookaside(&named(text)).unwrap().to_owned();
        assert_eq!(lookaside("h.example/x:1"), "https://old.example/");
        assert_eq!(lookaside("h.example/q/x:1"), "file:///q");
        assert_eq!(lookaside("g.example/x:1"), "file:///wild");
        assert_eq!(lookaside("h.example:5000/p/os:1"), "file:///wild");
        assert_eq!(lookaside("other/x:1"), "file:///default");
        assert_eq!(stores.lookaside_to_write(&named("h.example:5000/p/os:1")), Some("file:///staging"));
        assert!(stores.uses_attachments(&named("h.example/q/x:1")) && !stores.uses_attachments(&named("other/x:1")));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (texts, reason) in [
            (&["docker:\n  a.b: {lookaside: x}\n", "docker:\n  a.b: {}\n"][..], "docker.a.b: 0.yaml has it too"),
            (&["docker:\n  a.b: {}\n  a.b: {}\n"], "0.yaml: "),
            (&["docker: [x]\n"], "docker: expected an object, found a list"),
            (&["docker:\n  a.b:\n    use-sigstore-attachments: maybe\n"], "expected true or false, found \"maybe\""),
            (&["docker:\n  a.b:\n    lookaside: [x]\n"], "docker.a.b.lookaside: expected a string"),
            (&["\tx: {"], "0.yaml: "),
        ] {
            let found = stores(texts).unwrap_err().to_string();
            assert!(found.contains(reason), "{texts:?}\n{found}");
        }
    }

    #[test]
    fn files_of_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.yaml"), "docker:\n  a.b: {lookaside: 'file:///a'}\n").unwrap();
        std::fs::write(dir.path().join("b.conf"), "[").unwrap();
        let places = StorePlaces { named: Some(dir.path().to_owned()), home: None, is_root: true };
        let stores = places.read().unwrap();
        assert_eq!(stores.lookaside(&Named::parse("a.b/c").unwrap()), Some("file:///a"));
        assert_eq!(stores.lookaside(&Named::parse("c.b/c").unwrap()), Some("file:///var/lib/containers/sigstore"));
        let none = StorePlaces { named: Some(dir.path().join("none")), ..places };
        assert!(none.read().is_ok());
    }
}
