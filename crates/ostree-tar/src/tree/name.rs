//! Names in an archive as paths of the tree.

use std::borrow::Cow;

use ostree_core::limits::MAX_TREE_DEPTH;
use ostree_core::{EntryName, ObjectError};

use crate::error::Reason;

/// A path of the tree: checked names with a slash between each two, empty for the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TreePath(String);

impl TreePath {
    /// What the name `raw` of an archive stands for: relative to the root, then changed by `rename`.
    pub(super) fn new(raw: &[u8], rename: Option<&dyn Fn(&str) -> String>) -> Result<Self, Reason> {
        let text = std::str::from_utf8(raw).map_err(|_| {
            let reason = format!("Invalid UTF-8 in filename {}", raw.escape_ascii());
            Reason::Object(ObjectError::invalid("file name", reason))
        })?;
        let relative = relative(text);
        if has_uplink(relative) {
            return Err(Reason::RelativeUplink(relative.to_owned()));
        }
        let path = rename.map_or(Cow::Borrowed(relative), |rename| Cow::Owned(rename(relative)));
        let path = path.trim_end_matches('/');
        if has_uplink(path) {
            return Err(Reason::Uplink(path.to_owned()));
        }
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
        // A dot is passed over anywhere but at the end, where it would be the entry's own name.
        if !names.is_empty() && path.rsplit('/').next() == Some(".") {
            return Err(Reason::SelfReference);
        }
        names.iter().try_for_each(|name| EntryName::check(name))?;
        if names.len() > MAX_TREE_DEPTH {
            let reason = format!("directories nest deeper than {MAX_TREE_DEPTH}");
            return Err(Reason::Object(ObjectError::invalid("path", reason)));
        }
        Ok(Self(names.join("/")))
    }

    /// The path of the directory it is in, and its own name; `None` for the root.
    pub(super) fn split(&self) -> Option<(&str, EntryName)> {
        let (parent, name) = self.0.rsplit_once('/').unwrap_or(("", &self.0));
        // The root alone has no name; all others were checked.
        EntryName::new(name).ok().map(|name| (parent, name))
    }

    /// The path without a leading slash.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path as filters see it: `/`, `/usr/bin/x`.
    pub(super) fn absolute(&self) -> String {
        format!("/{}", self.0)
    }
}

/// Without leading slashes, `/..`, `./` and empty components; a lone dot is the root.
fn relative(mut path: &str) -> &str {
    while let Some(rest) = path.strip_prefix('/') {
        // The slash stays, so that the next one of a row is seen.
        path = if rest.starts_with("../") { rest.trim_start_matches("..") } else { rest };
    }
    while let Some(rest) = path.strip_prefix("./").or_else(|| path.strip_prefix('/')) {
        path = rest;
    }
    if path == "." { "" } else { path }
}

fn has_uplink(path: &str) -> bool {
    path.split('/').any(|name| name == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(raw: &str) -> Result<String, String> {
        TreePath::new(raw.as_bytes(), None).map(|path| path.absolute()).map_err(|reason| reason.to_string())
    }

    #[test]
    fn paths_are_those_of_libostree() {
        for raw in ["", ".", "./", "/", "//", "/.", "/./", "./.", ".//", "/../"] {
            assert_eq!(path(raw).as_deref(), Ok("/"), "{raw}");
        }
        for raw in ["a", "/a", "//a", "/../a", "/../../a", "././a", ".//a", "/./a", "a/", "a///", "/.//a", "/..//a"] {
            assert_eq!(path(raw).as_deref(), Ok("/a"), "{raw}");
        }
        for raw in ["a/b", "a/./b", "a//b", "./a/b/"] {
            assert_eq!(path(raw).as_deref(), Ok("/a/b"), "{raw}");
        }
        assert_eq!(path("...").as_deref(), Ok("/..."));
        assert_eq!(path("/../..a").as_deref(), Ok("/..a"));
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        for raw in ["..", "/..", "../", "../a", "./../a", "a/..", "a/../b", "..//a"] {
            assert!(path(raw).is_err_and(|error| error.contains("Invalid uplink '..' in path")), "{raw}");
        }
        assert_eq!(path("a/.").unwrap_err(), "Invalid self-referential filename '.'");
        assert!(path(&"n".repeat(256)).is_err());
        assert!(TreePath::new(b"a\xff", None).is_err());
    }

    #[test]
    fn renaming_sees_the_relative_path() {
        let seen = |raw: &str, to: &str| {
            let rename = |path: &str| format!("{to}{path}");
            TreePath::new(raw.as_bytes(), Some(&rename))
                .map(|path| path.as_str().to_owned())
                .map_err(|reason| reason.to_string())
        };
        assert_eq!(seen("/./usr/", "x/").as_deref(), Ok("x/usr"));
        assert_eq!(seen("./", "r").as_deref(), Ok("r"));
        assert_eq!(seen("a", "/./q//").as_deref(), Ok("q/a"));
        assert_eq!(seen("a", "../").unwrap_err(), "Invalid uplink '..' in path ../a");
    }
}
