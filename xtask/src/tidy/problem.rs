//! One finding of a rule: where, which rule, what.

use std::fmt;
use std::path::{Path, PathBuf};

/// Something that a house rule does not allow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, relative to the top of the workspace.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The rule's name.
    pub rule: &'static str,
    /// What is wrong and what to do instead.
    pub message: String,
}

impl Problem {
    /// A finding of `rule` at `path:line`.
    pub fn new(rule: &'static str, path: &Path, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path.display(), self.line, self.rule, self.message)
    }
}
