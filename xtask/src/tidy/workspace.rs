//! The workspace as read from disk: packages with their sources, the lock file, every text.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::source::Source;

/// Everything the rules look at.
#[derive(Debug, Default)]
pub struct Workspace {
    /// The packages: `crates/*`, `fuzz`, `xtask`.
    pub packages: Vec<Package>,
    /// `Cargo.lock`.
    pub lock: String,
    /// Every text file but those in `testdata` folders of fixtures, with its path from the top.
    pub texts: Vec<(PathBuf, String)>,
}

/// One package.
#[derive(Debug)]
pub struct Package {
    /// Its name, which is its folder's.
    pub name: String,
    /// Its folder, from the top.
    pub dir: PathBuf,
    /// Its `Cargo.toml`.
    pub manifest: String,
    /// Its Rust files.
    pub sources: Vec<Source>,
}

impl Package {
    /// Where its manifest is.
    pub fn manifest_path(&self) -> PathBuf {
        self.dir.join("Cargo.toml")
    }

    /// Whether it is shipped: not the chores, not the tools of the tests.
    pub fn is_product(&self) -> bool {
        self.dir.starts_with("crates") && self.name != "testkit"
    }
}

/// Folders that hold nothing of ours to look at.
const SKIPPED: [&str; 3] = [".git", "target", "corpus"];

/// Reads the workspace at `root`.
///
/// # Errors
/// A folder or file cannot be read.
pub fn load(root: &Path) -> Result<Workspace> {
    let mut files = Vec::new();
    walk(root, Path::new(""), &mut files)?;
    files.sort();
    let mut workspace = Workspace::default();
    for (path, text) in files {
        if path == Path::new("Cargo.lock") {
            workspace.lock.clone_from(&text);
        }
        if let Some(dir) = path.parent().filter(|dir| path.ends_with("Cargo.toml") && is_member(dir)) {
            let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
            workspace.packages.push(Package { name, dir: dir.into(), manifest: text.clone(), sources: Vec::new() });
        }
        workspace.texts.push((path, text));
    }
    for package in &mut workspace.packages {
        let own = workspace.texts.iter().filter(|(path, _)| path.starts_with(&package.dir));
        let rust = own.filter(|(path, _)| path.extension().is_some_and(|extension| extension == "rs"));
        package.sources = rust.map(|(path, text)| Source::parse(path, text)).collect();
        mark_test_files(&mut package.sources);
    }
    Ok(workspace)
}

fn is_member(dir: &Path) -> bool {
    dir == Path::new("fuzz") || dir == Path::new("xtask") || dir.parent() == Some(Path::new("crates"))
}

fn walk(root: &Path, dir: &Path, files: &mut Vec<(PathBuf, String)>) -> Result<()> {
    let full = root.join(dir);
    for entry in std::fs::read_dir(&full).with_context(|| format!("read {}", full.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let path = dir.join(&name);
        if SKIPPED.iter().any(|skipped| name == *skipped) || is_fixture(&path) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(root, &path, files)?;
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).with_context(|| format!("read {}", entry.path().display()))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.push((path, text));
            }
        }
    }
    Ok(())
}

/// Fixtures are bytes, not texts: below `testdata/` only the files at its top are ours to word.
fn is_fixture(path: &Path) -> bool {
    path.starts_with("testdata") && path.components().count() > 2
}

fn mark_test_files(sources: &mut [Source]) {
    let mut marked: Vec<PathBuf> = Vec::new();
    for source in sources.iter() {
        let folder = child_folder(&source.path);
        for name in &source.test_modules {
            marked.push(folder.join(format!("{name}.rs")));
            marked.push(folder.join(name).join("mod.rs"));
        }
    }
    for source in sources.iter_mut().filter(|source| marked.contains(&source.path)) {
        source.mark_as_test();
    }
}

/// Where the files of a file's child modules stand.
fn child_folder(path: &Path) -> PathBuf {
    let is_door = path.file_name().is_some_and(|name| name == "mod.rs" || name == "lib.rs" || name == "main.rs");
    if is_door { path.parent().unwrap_or(path).to_owned() } else { path.with_extension("") }
}

#[cfg(test)]
pub mod sample {
    //! Small workspaces for the rules' own tests.

    use super::*;

    /// A package `name` in `crates/` with the given files below `src/`.
    pub fn package(name: &str, files: &[(&str, &str)]) -> Package {
        let dir = Path::new("crates").join(name);
        let mut sources: Vec<_> =
            files.iter().map(|(file, text)| Source::parse(&dir.join("src").join(file), text)).collect();
        mark_test_files(&mut sources);
        Package { name: name.into(), manifest: String::new(), sources, dir }
    }

    /// A workspace with one package of the given files.
    pub fn workspace(name: &str, files: &[(&str, &str)]) -> Workspace {
        Workspace { packages: vec![package(name, files)], ..Workspace::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_declared_for_tests_only_is_test() {
        let package = sample::package("a", &[("x.rs", "#[cfg(test)]\nmod s;\n"), ("x/s.rs", "fn f() {}\n")]);
        assert_eq!(package.sources[1].production_lines, 0);
    }
}
