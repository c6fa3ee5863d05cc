//! All files together: which places a name stands for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oci_image::InvalidName;
use oci_image::named::names_host;

use super::content::{Content, Mode, Pulls, Registry};
use super::matching::Forms;
use super::place::Place;
use super::{load, short_name};
use crate::environment::Environment;
use crate::error::RegistryError;
use crate::name::ImageName;

/// What the files of a host say about registries.
#[derive(Debug, Default)]
pub struct Registries {
    registries: BTreeMap<String, (Registry, PathBuf)>,
    searched: Vec<String>,
    helpers: Option<Vec<String>>,
    mode: Mode,
    aliases: BTreeMap<String, String>,
    /// The file with the aliases that other programs recorded. It is read for short names alone: one that is torn, or not
    /// ours to read, is nothing to images that name their registry.
    recorded: Option<PathBuf>,
}

impl Registries {
    /// Reads the files of a host: `CONTAINERS_REGISTRIES_CONF`, else the first that is there of
    /// `$HOME/.config/containers/registries.conf`, `/etc/containers/registries.conf` and
    /// `/usr/share/containers/registries.conf`; then the drop-ins `registries.conf.d/*.conf` of `/usr/share` and `/etc`
    /// (a file of the latter hides the one of that name in the former), unless the user has a file of his own, and the
    /// user's. What comes later counts more.
    ///
    /// # Errors
    /// [`RegistryError::ReadFile`] for a file that is there and cannot be read, [`RegistryError::BadFile`] for one that
    /// does not parse.
    pub fn read(environment: &Environment) -> Result<Self, RegistryError> {
        let mut all = Self::default();
        let files = load::files(environment)?;
        if let Some((path, text)) = &files.main {
            all.add(text, path)?;
        }
        for (path, text) in &files.dropins {
            all.add_dropin(text, path)?;
        }
        all.recorded = load::recorded_aliases(environment);
        Ok(all)
    }

    /// Adds the text of one more file, which counts more than those before. `path` is what messages call it.
    ///
    /// # Errors
    /// [`RegistryError::BadFile`] when it does not parse.
    pub fn add(&mut self, text: &str, path: &Path) -> Result<(), RegistryError> {
        let content = Content::parse(text).map_err(|reason| load::bad(path, reason))?;
        self.take(content, path);
        Ok(())
    }

    /// The same for a drop-in, which has to be of version 2 (containers-registries.conf.d(5)).
    fn add_dropin(&mut self, text: &str, path: &Path) -> Result<(), RegistryError> {
        let content = Content::parse(text).map_err(|reason| load::bad(path, reason))?;
        if content.is_old {
            let reason = "it is of version 1 ([registries.…]), which a file in registries.conf.d must not be";
            return Err(load::bad(path, reason.to_owned()));
        }
        self.take(content, path);
        Ok(())
    }

    fn take(&mut self, content: Content, path: &Path) {
        let mut own = BTreeMap::new();
        for registry in content.registry {
            // Within one file the first of several with the same prefix counts.
            own.entry(registry.prefix.clone()).or_insert((registry, path.to_owned()));
        }
        self.registries.extend(own);
        if let Some(searched) = content.unqualified_search_registries {
            self.searched = searched;
        }
        if content.credential_helpers.is_some() {
            self.helpers = content.credential_helpers;
        }
        if content.short_name_mode != Mode::Unset {
            self.mode = content.short_name_mode;
        }
        add_aliases(&mut self.aliases, content.aliases);
    }

    /// All aliases: those of the files, and instead of the same ones those that were recorded.
    fn all_aliases(&self) -> Result<BTreeMap<String, String>, RegistryError> {
        let mut all = self.aliases.clone();
        if let Some(path) = &self.recorded
            && let Some(text) = load::read(path)?
        {
            let content = Content::parse(&text).map_err(|reason| load::bad(path, reason))?;
            add_aliases(&mut all, content.aliases);
        }
        Ok(all)
    }

    /// The `credential-helpers`, where a file sets them. An empty list takes those of earlier files away, and is none itself.
    pub(crate) fn helpers(&self) -> Option<&[String]> {
        self.helpers.as_deref().filter(|helpers| !helpers.is_empty())
    }

    /// The full names a name may stand for, in the order in which they are to be tried: the name itself where it names its
    /// registry, its alias where it has one, else one name for each of the `unqualified-search-registries`.
    ///
    /// # Errors
    /// [`RegistryError::Name`] where there is none, or several and `short-name-mode` is `enforcing`; for a short name those of
    /// [`Registries::read`] about the aliases that were recorded.
    pub fn full_names(&self, name: &str) -> Result<Vec<String>, RegistryError> {
        if names_host(name) {
            return Ok(vec![name.to_owned()]);
        }
        let aliases = self.all_aliases()?;
        short_name::full_names(name, &aliases, &self.searched, self.mode == Mode::Enforcing)
            .map_err(|reason| InvalidName::new(name, reason).into())
    }

    /// The places an image is fetched from, in order: the mirrors of the registry that its name matches longest, then its
    /// location. Those that are blocked are left out.
    pub(crate) fn places(&self, name: &ImageName) -> Result<Vec<Place>, RegistryError> {
        let forms = Forms::of(name);
        let Some((registry, file)) = self.matching(&forms) else {
            return Ok(vec![Place { name: name.clone(), insecure: false, mirror: false, at_home: true }]);
        };
        let rest = forms.rest(&registry.prefix).unwrap_or_default();
        let put = |location: &str| -> Result<ImageName, RegistryError> {
            if location.is_empty() {
                return Ok(name.clone());
            }
            ImageName::parse_full(&format!("{location}{rest}")).map_err(|error| load::bad(file, error.to_string()))
        };
        let mut places = Vec::new();
        for mirror in &registry.mirror {
            let asked = match (mirror.pull_from_mirror, registry.mirror_by_digest_only) {
                (Pulls::DigestOnly, _) | (Pulls::Unset, true) => name.digest().is_some(),
                (Pulls::TagOnly, _) => name.digest().is_none(),
                (Pulls::All, _) | (Pulls::Unset, false) => true,
            };
            let there = put(&mirror.location)?;
            if asked && !self.forbids(&there, registry, name) {
                let at_home = there.host() == name.host();
                places.push(Place { name: there, insecure: mirror.insecure, mirror: true, at_home });
            }
        }
        let own = put(&registry.location)?;
        if !registry.blocked && self.blocking(&own).is_none() {
            let at_home = own.host() == name.host();
            places.push(Place { name: own, insecure: registry.insecure, mirror: false, at_home });
        } else if places.is_empty() {
            let (by, file) = self.blocking(&own).unwrap_or((registry, file));
            return Err(blocked(name, by, file));
        }
        Ok(places)
    }

    /// The place an image is pushed to: its name as it is, mirrors and locations are for fetching.
    pub(crate) fn place_to_push(&self, name: &ImageName) -> Result<Place, RegistryError> {
        match self.matching(&Forms::of(name)) {
            Some((registry, file)) if registry.blocked => Err(blocked(name, registry, file)),
            found => {
                let insecure = found.is_some_and(|(registry, _)| registry.insecure);
                Ok(Place { name: name.clone(), insecure, mirror: false, at_home: true })
            }
        }
    }

    /// The registry with the longest prefix that covers the name. A star and one letter are as long as each other; then
    /// the original takes the first by name, which is the star.
    fn matching(&self, name: &Forms) -> Option<(&Registry, &Path)> {
        let registries = self.registries.values().rev();
        let covering = registries.filter(|(registry, _)| name.rest(&registry.prefix).is_some());
        covering.max_by_key(|(registry, _)| registry.prefix.len()).map(|(registry, path)| (registry, path.as_path()))
    }

    /// Whether the mirror of a registry is forbidden: by another entry, or because it is at the blocked location itself.
    fn forbids(&self, there: &ImageName, registry: &Registry, name: &ImageName) -> bool {
        let itself = match registry.location.as_str() {
            "" => there.host() == name.host(),
            location => Forms::of(there).rest(location).is_some(),
        };
        (registry.blocked && itself) || self.blocking(there).is_some_and(|(by, _)| by.prefix != registry.prefix)
    }

    /// The registry that forbids to ask at the place a name stands for literally.
    fn blocking(&self, name: &ImageName) -> Option<(&Registry, &Path)> {
        self.matching(&Forms::of(name)).filter(|(registry, _)| registry.blocked)
    }
}

/// Adds aliases that count more than those before. An empty one takes the one before away.
fn add_aliases(all: &mut BTreeMap<String, String>, more: BTreeMap<String, String>) {
    for (name, value) in more {
        if value.is_empty() {
            all.remove(&name);
        } else {
            all.insert(name, value);
        }
    }
}

fn blocked(name: &ImageName, registry: &Registry, path: &Path) -> RegistryError {
    RegistryError::Blocked { name: name.to_string(), prefix: registry.prefix.clone(), path: path.to_owned() }
}
