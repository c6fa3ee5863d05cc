//! One `registries.conf` file, read and checked by itself.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use super::{keys, short_name};

/// What one file says.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Content {
    pub(super) unqualified_search_registries: Option<Vec<String>>,
    pub(super) credential_helpers: Option<Vec<String>>,
    pub(super) short_name_mode: Mode,
    pub(super) registry: Vec<Registry>,
    pub(super) aliases: BTreeMap<String, String>,
    /// Whether it is of version 1, of which the rest was made.
    #[serde(skip)]
    pub(super) is_old: bool,
    /// The tables of version 1.
    registries: Old,
}

/// What is done about a short name that could be several images.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// The file does not say; in the end this is the same as `Permissive`.
    #[default]
    #[serde(rename = "")]
    Unset,
    /// It is refused.
    Enforcing,
    /// All are tried in order.
    Permissive,
    /// All are tried in order.
    Disabled,
}

/// One `[[registry]]`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Registry {
    pub(super) prefix: String,
    pub(super) location: String,
    pub(super) insecure: bool,
    pub(super) blocked: bool,
    pub(super) mirror_by_digest_only: bool,
    pub(super) mirror: Vec<Mirror>,
    pull_from_mirror: String,
}

/// One `[[registry.mirror]]`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Mirror {
    pub(super) location: String,
    pub(super) insecure: bool,
    pub(super) pull_from_mirror: Pulls,
}

/// Which names a mirror is asked for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Pulls {
    /// As the registry says.
    #[default]
    #[serde(rename = "")]
    Unset,
    /// All.
    All,
    /// Those with a digest.
    DigestOnly,
    /// Those without.
    TagOnly,
}

/// The three lists of version 1.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Old {
    search: OldList,
    insecure: OldList,
    block: OldList,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OldList {
    registries: Vec<String>,
}

impl Old {
    /// Files that were brought to version 2 often have its tables still, emptied.
    fn is_empty(&self) -> bool {
        [&self.search, &self.insecure, &self.block].iter().all(|list| list.registries.is_empty())
    }
}

impl Content {
    /// Reads and checks the text of a file. The error says what is wrong with it, and where.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let at = |span: Option<Range<usize>>, words: &str| {
            let before = span.and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
            let line = before.map(|line| format!("line {line}: ")).unwrap_or_default();
            format!("{line}{}", words.trim_end())
        };
        let refused = |error: toml::de::Error| at(error.span(), error.message());
        let mut table = DeTable::parse(text).map_err(refused)?;
        keys::lower(table.get_mut()).map_err(|(span, words)| at(Some(span), &words))?;
        let mut content = Self::deserialize(Deserializer::from(table)).map_err(refused)?;
        content.take_in_old()?;
        for registry in &mut content.registry {
            registry.check()?;
        }
        if let Some(searched) = &mut content.unqualified_search_registries {
            for host in searched {
                *host = location(host)?;
                if host.is_empty() || host.contains('/') {
                    return Err(format!("unqualified-search-registries: {host:?} is no host[:port]"));
                }
            }
        }
        for (name, value) in &content.aliases {
            short_name::check_alias(name, value)?;
        }
        content.no_conflicts()?;
        Ok(content)
    }

    /// Turns the lists of version 1 into what they mean in version 2.
    fn take_in_old(&mut self) -> Result<(), String> {
        let old = std::mem::take(&mut self.registries);
        if old.is_empty() {
            return Ok(());
        }
        if self.says_anything() {
            return Err("the tables of version 1 ([registries.…]) and of version 2 cannot be mixed".to_owned());
        }
        self.is_old = true;
        self.unqualified_search_registries = Some(old.search.registries);
        let mut registries: BTreeMap<&String, Registry> = BTreeMap::new();
        for host in &old.insecure.registries {
            registries.entry(host).or_default().insecure = true;
        }
        for host in &old.block.registries {
            registries.entry(host).or_default().blocked = true;
        }
        let registries = registries.into_iter();
        self.registry = registries.map(|(host, registry)| Registry { location: host.clone(), ..registry }).collect();
        Ok(())
    }

    /// Whether any setting of version 2 is there. An empty list is none.
    fn says_anything(&self) -> bool {
        let lists = [&self.unqualified_search_registries, &self.credential_helpers];
        lists.into_iter().flatten().any(|list| !list.is_empty())
            || self.short_name_mode != Mode::Unset
            || !self.registry.is_empty()
            || !self.aliases.is_empty()
    }

    /// One location must not be described in two ways.
    fn no_conflicts(&self) -> Result<(), String> {
        let mut seen: BTreeMap<&str, &Registry> = BTreeMap::new();
        for registry in self.registry.iter().filter(|registry| !registry.location.is_empty()) {
            let first = seen.entry(&registry.location).or_insert(registry);
            for (word, differs) in
                [("insecure", first.insecure != registry.insecure), ("blocked", first.blocked != registry.blocked)]
            {
                if differs {
                    return Err(format!(
                        "several registries at {} with different settings of {word}",
                        registry.location
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Registry {
    fn check(&mut self) -> Result<(), String> {
        self.location = location(&self.location)?;
        self.prefix = location(&self.prefix)?;
        match (self.prefix.is_empty(), self.location.is_empty()) {
            (true, true) => return Err("a registry has neither prefix nor location".to_owned()),
            (true, false) => self.prefix.clone_from(&self.location),
            (false, true) if !self.prefix.starts_with("*.") => {
                return Err(format!(
                    "registry {}: a location is missing, only prefixes like *.example.com need none",
                    self.prefix
                ));
            }
            (false, _) => {}
        }
        let of = |problem: &str| format!("registry {}: {problem}", self.prefix);
        let name = self.prefix.strip_prefix("*.").unwrap_or(&self.prefix);
        if name.is_empty() || name.contains('*') || (name.len() < self.prefix.len() && name.contains(['/', ':'])) {
            return Err(of("a star may only stand before the domain, as in *.example.com"));
        }
        if self.location.contains('*') {
            return Err(of("a location has no stars"));
        }
        if !self.pull_from_mirror.is_empty() {
            return Err(of("pull-from-mirror is for mirrors only"));
        }
        for mirror in &mut self.mirror {
            mirror.location = location(&mirror.location)?;
            if mirror.location.is_empty() {
                return Err(format!("registry {}: a mirror has no location", self.prefix));
            }
            if self.mirror_by_digest_only && mirror.pull_from_mirror != Pulls::Unset {
                let problem =
                    "mirror-by-digest-only of a registry and pull-from-mirror of its mirrors exclude each other";
                return Err(format!("registry {}: {problem}", self.prefix));
            }
        }
        Ok(())
    }
}

/// A location or prefix as it is compared.
fn location(text: &str) -> Result<String, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Err(format!("{text:?} is an address; a host[:port][/path] without a scheme is meant"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_refused_and_named() {
        for (text, words) in [
            ("[[registry]]\nlocation = 5", "line 2: "),
            ("[[registry]]\nblocked = true", "neither prefix nor location"),
            ("[[registry]]\nprefix = 'a.example'", "location is missing"),
            ("[[registry]]\nprefix = '*.a.example/b'", "star"),
            ("[[registry]]\nprefix = 'a.*.example'\nlocation = 'b'", "star"),
            ("[[registry]]\nlocation = 'https://a.example'", "without a scheme"),
            ("[[registry]]\nlocation = 'a'\npull-from-mirror = 'all'", "for mirrors only"),
            ("[[registry]]\nlocation = 'a'\n[[registry.mirror]]\ninsecure = true", "no location"),
            ("[[registry]]\nlocation = 'a'\n[[registry.mirror]]\nlocation = 'm'\npull-from-mirror = 'x'", "line 5"),
            (
                "[[registry]]\nlocation = 'a'\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = 'm'\n\
                 pull-from-mirror = 'all'",
                "exclude each other",
            ),
            (
                "[[registry]]\nprefix = 'p'\nlocation = 'a'\n[[registry]]\nlocation = 'a'\ninsecure = true",
                "different settings of insecure",
            ),
            ("unqualified-search-registries = ['a/b']", "no host"),
            ("short-name-mode = 'x'", "line 1"),
            ("[aliases]\n'a.example/b' = 'c.example/d'", "alias"),
            ("[aliases]\na = 'b'", "alias"),
            ("[aliases]\na = 'c.example/b'\na = 'c.example/b'", "line 3"),
            ("[registries.search]\nregistries = ['a']\n[[registry]]\nlocation = 'b'", "version 1"),
            ("short-name-mode = 'disabled'\n[registries.block]\nregistries = ['a']", "version 1"),
            ("credential-helpers = ['a']\n[registries.block]\nregistries = ['a']", "version 1"),
            ("[aliases]\na = 'c.example/b'\n[registries.block]\nregistries = ['a']", "version 1"),
            ("[[registry]]\nlocation = 'a'\nBlocked = true\nblocked = false", "line 4: blocked stands there twice"),
            ("[[Registry]]\nLocation = 'a'\nInsecure = 1", "line 3: "),
        ] {
            let problem = Content::parse(text).expect_err(text);
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }

    #[test]
    fn keys_count_in_any_case_and_aliases_as_they_are() {
        let content = Content::parse(
            "SHORT-name-mode = 'disabled'\n[[Registry]]\nLocation = 'a'\nBlocked = true\n[[Registry.Mirror]]\n\
            Location = 'm'\nINSECURE = true\nPull-From-Mirror = 'all'\n[Aliases]\nblocked = 'c.example/b'",
        )
        .unwrap();
        assert_eq!(content.short_name_mode, Mode::Disabled);
        assert!(content.registry[0].blocked && content.registry[0].mirror[0].insecure);
        assert_eq!(content.registry[0].mirror[0].pull_from_mirror, Pulls::All);
        assert_eq!(content.aliases.keys().collect::<Vec<_>>(), ["blocked"]);
        let alias = Content::parse("[aliases]\nBlocked = 'c.example/b'\nblocked = 'c.example/b'");
        assert!(alias.unwrap_err().contains("alias \"Blocked\""));
    }

    #[test]
    fn unknown_keys_and_version_1_are_taken() {
        let content = Content::parse("future = 1\n[[registry]]\nlocation = 'a/'\nother = []").unwrap();
        assert_eq!(content.registry[0].prefix, "a");
        let old = "[registries.search]\nregistries = ['s']\n[registries.insecure]\nregistries = ['i', 'x']\n\
            [registries.block]\nregistries = ['x']";
        let old = Content::parse(old).unwrap();
        assert_eq!(old.unqualified_search_registries.unwrap(), ["s"]);
        let registries: Vec<_> = old.registry.iter().map(|r| (&*r.prefix, r.insecure, r.blocked)).collect();
        assert_eq!(registries, [("i", true, false), ("x", true, true)]);
        assert!(old.is_old);
        let emptied = "[registries.search]\nregistries = []\n[registries.block]\nregistries = []\n\
            [[registry]]\nlocation = 'a'";
        assert!(Content::parse(emptied).is_ok_and(|content| content.registry.len() == 1 && !content.is_old));
        let emptied = "unqualified-search-registries = []\ncredential-helpers = []\n[aliases]\n\
            [registries.insecure]\nregistries = ['i']";
        assert!(Content::parse(emptied).is_ok_and(|content| content.registry.len() == 1 && content.is_old));
    }
}
