//! Rule `compiled_c`: the lock file holds no crate that compiles or links C but the ones written here.

use std::path::Path;

use super::problem::Problem;
use super::workspace::Workspace;

/// Crates that compile C, each with the reason why we bear it.
const COMPILED: &[(&str, &str)] = &[
    ("zstd-sys", "zstd has no encoder of its speed in Rust"),
    ("libdeflate-sys", "deflate in Rust takes twice as long"),
    ("ring", "the primitives of TLS"),
    ("libmimalloc-sys", "musl's allocator is half as fast"),
];

/// Crates that look like bindings to C and compile nothing on any platform we build for.
const BINDINGS_ONLY: &[&str] = &[
    "core-foundation-sys",
    "iana-time-zone-haiku",
    "jni-sys",
    "js-sys",
    "libbz2-rs-sys",
    "linux-raw-sys",
    "security-framework-sys",
    "web-sys",
    "windows-sys",
];

/// What a crate names when it builds or looks for C.
const BUILDERS: &[&str] = &["autotools", "bindgen", "cc", "cmake", "nasm-rs", "pkg-config", "vcpkg"];

struct Locked<'a> {
    line: usize,
    name: &'a str,
    dependencies: Vec<&'a str>,
}

/// Every crate that brings C along and is not on the list, and every one on the list that is gone.
pub fn check(workspace: &Workspace) -> Vec<Problem> {
    let path = Path::new("Cargo.lock");
    let locked = packages(&workspace.lock);
    let mut problems = Vec::new();
    for package in locked.iter().filter(|package| brings_c(package)) {
        if !COMPILED.iter().any(|(name, _)| *name == package.name) && !BINDINGS_ONLY.contains(&package.name) {
            let message = format!("{} compiles or links C: only {} may", package.name, allowed());
            problems.push(Problem::new("compiled_c", path, package.line, message));
        }
    }
    for (name, _) in COMPILED.iter().filter(|(name, _)| !locked.iter().any(|package| package.name == *name)) {
        problems.push(Problem::new("compiled_c", path, 1, format!("{name} is gone: strike it from the rule's list")));
    }
    problems
}

fn allowed() -> String {
    COMPILED.iter().map(|(name, reason)| format!("{name} ({reason})")).collect::<Vec<_>>().join(", ")
}

fn brings_c(package: &Locked<'_>) -> bool {
    package.name.ends_with("-sys") || package.dependencies.iter().any(|name| BUILDERS.contains(name))
}

fn packages(lock: &str) -> Vec<Locked<'_>> {
    let mut found: Vec<Locked<'_>> = Vec::new();
    for (number, line) in lock.lines().enumerate() {
        if let Some(name) = line.strip_prefix("name = ") {
            found.push(Locked { line: number + 1, name: name.trim_matches('"'), dependencies: Vec::new() });
        } else if let (Some(item), Some(last)) = (line.strip_prefix(" \""), found.last_mut()) {
            last.dependencies.extend(item.split(['"', ' ']).next());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str =
        "name = \"zstd-sys\"\nname = \"libdeflate-sys\"\nname = \"ring\"\nname = \"libmimalloc-sys\"\n";

    fn messages(more: &str) -> Vec<String> {
        let workspace = Workspace { lock: format!("{LISTED}{more}"), ..Workspace::default() };
        check(&workspace).into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn a_new_crate_with_c_is_found() {
        assert_eq!(messages("name = \"libz-sys\"\n").len(), 1);
        assert_eq!(messages("name = \"quiet\"\ndependencies = [\n \"cc\",\n]\n").len(), 1);
        assert!(messages("name = \"linux-raw-sys\"\nname = \"x\"\ndependencies = [\n \"serde\",\n]\n").is_empty());
    }

    #[test]
    fn a_crate_that_is_gone_is_told() {
        let workspace = Workspace { lock: "name = \"ring\"\n".into(), ..Workspace::default() };
        assert_eq!(check(&workspace).len(), 3);
    }
}
