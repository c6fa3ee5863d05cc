//! The modules of one package, and which file a path of one of them leads to.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use super::imports::{Import, imports};
use super::source::{Source, words};

/// How far a chain of re-exports is followed.
const MAX_CHAIN: usize = 8;

/// The files of a package by module path; the root's path is empty.
#[derive(Debug)]
pub struct Modules<'a> {
    by_path: BTreeMap<Vec<String>, Module<'a>>,
}

/// One file.
#[derive(Debug)]
pub struct Module<'a> {
    /// The file.
    pub source: &'a Source,
    /// Its imports outside of tests.
    pub imports: Vec<Import>,
}

impl<'a> Modules<'a> {
    /// The modules below `src` in the package at `dir`.
    pub fn of(dir: &Path, sources: &'a [Source]) -> Self {
        let mut by_path = BTreeMap::new();
        for source in sources {
            if let Ok(inside) = source.path.strip_prefix(dir.join("src")) {
                by_path.insert(module_path(inside), Module { source, imports: imports(&source.production) });
            }
        }
        Self { by_path }
    }

    /// Every module with its path.
    pub fn iter(&self) -> impl Iterator<Item = (&Vec<String>, &Module<'a>)> {
        self.by_path.iter()
    }

    /// The module that `import`, standing in `from`, reaches; `None` when it leads out of the package.
    pub fn target(&self, from: &[String], import: &Import) -> Option<Vec<String>> {
        let path = self.absolute(from, &import.path)?;
        Some(self.resolve(path, 0))
    }

    fn absolute(&self, from: &[String], path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([from, rest].concat()),
            "super" => {
                let (_, parent) = from.split_last()?;
                match rest.first().map(String::as_str) {
                    Some("super") => self.absolute(parent, rest),
                    _ => Some([parent, rest].concat()),
                }
            }
            child => {
                let inside = [from, &[child.to_owned()]].concat();
                self.by_path.contains_key(&inside).then(|| [from, path].concat())
            }
        }
    }

    /// The longest module along `path`, and through its re-exports to where the next name is written.
    fn resolve(&self, path: Vec<String>, chain: usize) -> Vec<String> {
        let depth = (0..=path.len()).rev().find(|depth| self.by_path.contains_key(&path[..*depth])).unwrap_or(0);
        let (module, rest) = path.split_at(depth);
        let found = module.to_vec();
        let (Some(name), Some(file)) = (rest.first(), self.by_path.get(module)) else { return found };
        if chain == MAX_CHAIN || defines(file.source, name) {
            return found;
        }
        self.through_reexports(&found, file, name, chain).unwrap_or(found)
    }

    fn through_reexports(&self, at: &[String], file: &Module<'_>, name: &str, chain: usize) -> Option<Vec<String>> {
        let declared = file.imports.iter().filter(|import| !import.in_code);
        for import in declared {
            let Some(path) = self.absolute(at, &import.path) else { continue };
            if import.name == name {
                return Some(self.resolve(path, chain + 1));
            }
            if import.public && import.name == "*" {
                let inside = path[..path.len() - 1].to_vec();
                let holder = self.resolve([inside, vec![name.to_owned()]].concat(), chain + 1);
                if self.by_path.get(&holder).is_some_and(|module| defines(module.source, name)) {
                    return Some(holder);
                }
            }
        }
        None
    }
}

/// `a/b.rs`, `a/b/mod.rs` → `a::b`; `lib.rs` and `main.rs` → the root.
fn module_path(inside: &Path) -> Vec<String> {
    let mut path: Vec<String> = inside
        .with_extension("")
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect();
    let is_root = path.len() == 1 && matches!(path[0].as_str(), "lib" | "main");
    if is_root || path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

fn defines(source: &Source, name: &str) -> bool {
    const KEYWORDS: [&str; 9] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "macro_rules!"];
    words(&source.production, name).any(|at| {
        let before = source.production[..at].trim_end();
        KEYWORDS.iter().any(|keyword| before.ends_with(keyword))
    })
}
