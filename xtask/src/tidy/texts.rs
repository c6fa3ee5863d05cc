//! Rule `texts`: no text names one machine, holds a note of unfinished work or an unresolved merge.

use super::problem::Problem;
use super::source::words;
use super::workspace::Workspace;

/// Marks of unfinished work. They are put together here so that this file passes its own rule.
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Paths of one machine.
const MACHINE: &[&str] = &[concat!("/wo", "rk/"), concat!("/home/", "runner")];

/// What git leaves in a file that could not be merged.
const CONFLICT: &[&str] = &["<<<<<<< ", ">>>>>>> "];

/// Every line that must not be published as it is.
pub fn check(workspace: &Workspace) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in &workspace.texts {
        for (number, line) in text.lines().enumerate() {
            if let Some(message) = complaint(line) {
                problems.push(Problem::new("texts", path, number + 1, message));
            }
        }
    }
    problems
}

fn complaint(line: &str) -> Option<String> {
    if let Some(word) = UNFINISHED.iter().find(|word| words(line, word).next().is_some()) {
        return Some(format!("`{word}`: finish it, or open an issue"));
    }
    if let Some(path) = MACHINE.iter().find(|path| line.contains(**path)) {
        return Some(format!("`{path}` is a path of one machine"));
    }
    CONFLICT.iter().any(|mark| line.starts_with(mark)).then(|| "an unresolved merge".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpublishable_lines_are_found() {
        for bad in [concat!("// TO", "DO: later"), concat!("cd /wo", "rk/main"), "<<<<<<< HEAD"] {
            let workspace =
                Workspace { texts: vec![("README.md".into(), format!("x\n{bad}\n"))], ..Workspace::default() };
            assert_eq!(check(&workspace).len(), 1, "of {bad}");
        }
    }

    #[test]
    fn words_that_merely_contain_them_pass() {
        assert_eq!(complaint("toDOmain FIXMEUP XXXX framework/"), None);
    }
}
