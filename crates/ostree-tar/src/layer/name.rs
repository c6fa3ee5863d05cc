//! Names in a layer as lists of components.

use ostree_core::limits::MAX_TREE_DEPTH;
use ostree_core::{EntryName, ObjectError};

use crate::error::Reason;

/// How many directories a name may be moved down, to `usr/share/factory`.
const MOST_MOVED: usize = 3;

/// What a file name starts with that takes something of a lower layer away.
const WHITEOUT: &str = ".wh.";
/// What the names start with that the aufs driver keeps for itself.
const RESERVED: &str = ".wh..wh.";
/// The file that takes away all that lower layers have in its directory.
const OPAQUE: &str = ".wh..wh..opq";

/// The components of a name: relative to the root of the layer, without dots and empty ones. None is the root. A name with
/// `..` is refused, as is one that no tree could hold.
pub(super) fn components(raw: &[u8]) -> Result<Vec<&str>, Reason> {
    let text = std::str::from_utf8(raw).map_err(|_| {
        let reason = format!("Invalid UTF-8 in filename {}", raw.escape_ascii());
        Reason::Object(ObjectError::invalid("file name", reason))
    })?;
    let names: Vec<&str> = text.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
    if names.contains(&"..") {
        return Err(Reason::UnsafePath(text.escape_debug().to_string()));
    }
    names.iter().try_for_each(|name| EntryName::check(name))?;
    if names.len() + MOST_MOVED > MAX_TREE_DEPTH {
        let reason = format!("directories nest deeper than {MAX_TREE_DEPTH}");
        return Err(Reason::Object(ObjectError::invalid("path", reason)));
    }
    Ok(names)
}

/// What the last component of a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning<'n> {
    /// It is a name.
    Plain,
    /// It takes away something of this name.
    Whiteout(&'n str),
    /// It takes away all in its directory.
    Opaque,
    /// It is the aufs driver's.
    Reserved,
}

impl<'n> Meaning<'n> {
    pub(super) fn of(name: &'n str) -> Self {
        match name.strip_prefix(WHITEOUT) {
            None => Self::Plain,
            Some(_) if name == OPAQUE => Self::Opaque,
            Some(_) if name.starts_with(RESERVED) => Self::Reserved,
            Some(hidden) => Self::Whiteout(hidden),
        }
    }
}

/// Whether the last component of a path says something about lower layers.
pub(super) fn is_whiteout(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with(WHITEOUT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(raw: &str) -> Result<String, String> {
        components(raw.as_bytes()).map(|names| names.join("/")).map_err(|reason| reason.to_string())
    }

    #[test]
    fn slashes_and_dots_are_dropped() {
        for raw in ["", ".", "./", "/", "//", "/./."] {
            assert_eq!(path(raw).as_deref(), Ok(""), "{raw}");
        }
        for raw in ["a/b", "/a/b", "./a/b", "//a//b//", "a/./b/.", "./././a/b"] {
            assert_eq!(path(raw).as_deref(), Ok("a/b"), "{raw}");
        }
        assert_eq!(path("a\\b c\n/..x/...").as_deref(), Ok("a\\b c\n/..x/..."));
    }

    #[test]
    fn names_that_no_tree_holds_are_refused() {
        for raw in ["..", "/..", "../a", "a/..", "a/../b"] {
            assert_eq!(path(raw).unwrap_err(), format!("Invalid path: {raw}"));
        }
        assert!(path("a\0b").unwrap_err().contains("NUL"));
        assert!(path(&"n".repeat(256)).unwrap_err().contains("256 bytes"));
        assert!(path(&"n".repeat(255)).is_ok());
        assert!(path(&"a/".repeat(MAX_TREE_DEPTH)).unwrap_err().contains("nest deeper"));
        assert!(components(b"a\xff").unwrap_err().to_string().contains("a\\xff"));
    }

    #[test]
    fn whiteouts_are_told_apart() {
        assert_eq!(Meaning::of(".wh.a"), Meaning::Whiteout("a"));
        assert_eq!(Meaning::of(".wh."), Meaning::Whiteout(""));
        assert_eq!(Meaning::of(".wh..wh..opq"), Meaning::Opaque);
        assert_eq!(Meaning::of(".wh..wh.plnk"), Meaning::Reserved);
        assert_eq!(Meaning::of(".wha"), Meaning::Plain);
        assert!(is_whiteout("a/.wh.b") && !is_whiteout(".wh.a/b"));
    }
}
