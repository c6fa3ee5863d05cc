//! Rule `docs`: every Rust file opens by saying its one duty.

use super::problem::Problem;
use super::workspace::Workspace;

/// Every file that does not begin with a sentence of `//!`.
pub fn check(workspace: &Workspace) -> Vec<Problem> {
    let sources = workspace.packages.iter().flat_map(|package| &package.sources);
    let silent = sources.filter(|source| {
        let first = source.text.lines().next().unwrap_or_default();
        first.strip_prefix("//! ").is_none_or(|sentence| sentence.trim().is_empty())
    });
    silent
        .map(|source| Problem::new("docs", &source.path, 1, "the first line must say the file's duty: `//! …`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::workspace::sample;
    use super::*;

    #[test]
    fn silent_files_are_found() {
        let files = [("a.rs", "//! Says.\n"), ("b.rs", "fn f() {}\n"), ("c.rs", ""), ("d.rs", "//! \n")];
        assert_eq!(check(&sample::workspace("a", &files)).len(), 3);
    }
}
