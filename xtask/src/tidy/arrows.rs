//! Rule `arrows`: a manifest names only what the crate table allows.

use super::problem::Problem;
use super::table::{MAY_USE_ANYHOW, TABLE, TEST_ONLY};
use super::workspace::{Package, Workspace};

const RULE: &str = "arrows";

/// A line of a manifest that names another package.
struct Dependency {
    line: usize,
    name: String,
    dev: bool,
}

/// Every arrow that is not in the table.
pub fn check(workspace: &Workspace) -> Vec<Problem> {
    workspace.packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Problem> {
    let path = package.manifest_path();
    let Some(row) = TABLE.iter().find(|row| row.name == package.name) else {
        let message = format!("{} is not in the crate table (xtask/src/tidy/table.rs)", package.name);
        return vec![Problem::new(RULE, &path, 1, message)];
    };
    let mut problems = Vec::new();
    for dependency in dependencies(&package.manifest) {
        let name = dependency.name.as_str();
        let is_ours = TABLE.iter().any(|row| row.name == name);
        let allowed = row.may_name.contains(&name) || (name == TEST_ONLY && (dependency.dev || package.name == "fuzz"));
        if is_ours && !allowed {
            let message = format!("{} must not name {name}: the crate table has no such arrow", package.name);
            problems.push(Problem::new(RULE, &path, dependency.line, message));
        }
        if name == "anyhow" && !MAY_USE_ANYHOW.contains(&package.name.as_str()) {
            let message = format!("{} must have an error enum of its own, not anyhow", package.name);
            problems.push(Problem::new(RULE, &path, dependency.line, message));
        }
    }
    if !inherits_lints(&package.manifest) {
        problems.push(Problem::new(
            RULE,
            &path,
            1,
            "the workspace's lints are not inherited ([lints] workspace = true)",
        ));
    }
    problems
}

fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut section = String::new();
    for (number, line) in manifest.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']').to_owned();
            // `[dependencies.NAME]` is the long way to write a line below `[dependencies]`.
            if let Some((table, name)) = section.rsplit_once('.') {
                push(&mut found, number, table, name);
            }
        } else if let Some((key, value)) = line.split_once('=') {
            let key = key.trim().split('.').next().unwrap_or_default();
            let renamed = value.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1));
            push(&mut found, number, &section, renamed.unwrap_or(key));
        }
    }
    found
}

fn push(found: &mut Vec<Dependency>, number: usize, table: &str, name: &str) {
    let last = table.rsplit('.').next().unwrap_or_default();
    if matches!(last, "dependencies" | "dev-dependencies" | "build-dependencies") {
        let name = name.trim_matches('"').to_owned();
        found.push(Dependency { line: number + 1, name, dev: last == "dev-dependencies" });
    }
}

fn inherits_lints(manifest: &str) -> bool {
    let after = manifest.split_once("[lints]").map_or("", |(_, after)| after);
    after.trim_start().starts_with("workspace = true")
}

#[cfg(test)]
mod tests {
    use super::super::workspace::sample;
    use super::*;

    fn check(name: &str, manifest: &str) -> Vec<String> {
        let mut package = sample::package(name, &[]);
        package.manifest = format!("[lints]\nworkspace = true\n{manifest}");
        check_package(&package).into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn an_arrow_upwards_or_sideways_is_found() {
        assert_eq!(check("ostree-core", "[dependencies]\nostree-repo.workspace = true\n").len(), 1);
        assert_eq!(check("ostree-tar", "[dev-dependencies]\nostree-repo = { path = \"../r\" }\n").len(), 1);
        assert_eq!(check("ostree-tar", "[target.'cfg(unix)'.dependencies.ostree-repo]\nworkspace = true\n").len(), 1);
        assert_eq!(check("xtask", "[dependencies]\nx = { package = \"ostree-core\", version = \"1\" }\n").len(), 1);
    }

    #[test]
    fn arrows_in_the_table_pass() {
        assert!(check("ostree-repo", "[dependencies]\nostree-core.workspace = true\nserde = \"1\"\n").is_empty());
        assert!(check("ostree-repo", "[dev-dependencies]\ntestkit.workspace = true\n").is_empty());
    }

    #[test]
    fn the_kit_of_the_tests_is_not_shipped() {
        assert_eq!(check("ostree-repo", "[dependencies]\ntestkit.workspace = true\n").len(), 1);
    }

    #[test]
    fn anyhow_in_a_library_a_strange_package_and_missing_lints_are_found() {
        assert_eq!(check("oci-image", "[dependencies]\nanyhow = \"1\"\n").len(), 1);
        assert!(check("ostree-cli", "[dependencies]\nanyhow = \"1\"\n").is_empty());
        assert_eq!(check("something-new", "").len(), 1);
        assert_eq!(check_package(&sample::package("oci-image", &[])).len(), 1);
    }
}
