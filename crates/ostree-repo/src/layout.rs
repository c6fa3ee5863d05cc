//! Path arithmetic: where in a repository things are.

use ostree_core::{Checksum, ObjectKind, ObjectName};

use crate::mode::RepoMode;

/// The longest relative path of a loose object: two digits, a slash, 62 digits, a dot, the longest kind name and a `z`.
const LOOSE_PATH_CAPACITY: usize = 2 + 1 + 62 + 1 + 18;

/// The path of a loose object relative to `objects/`.
pub fn loose_path(name: &ObjectName, mode: RepoMode) -> String {
    let mut path = String::with_capacity(LOOSE_PATH_CAPACITY);
    let hex = name.checksum.to_string();
    let (prefix, rest) = hex.split_at(2);
    path.push_str(prefix);
    path.push('/');
    path.push_str(rest);
    path.push('.');
    path.push_str(name.kind.name());
    if mode == RepoMode::Archive && !name.kind.is_metadata() {
        path.push('z');
    }
    path
}

/// The object whose file in the directory `prefix` is called `file`; `None` for anything else.
pub fn parse_loose(prefix: &str, file: &str) -> Option<ObjectName> {
    let (stem, kind) = file.split_once('.')?;
    let kind = kind.parse().or_else(|_| if kind == "filez" { Ok(ObjectKind::File) } else { Err(()) }).ok()?;
    let checksum: Checksum = format!("{prefix}{stem}").parse().ok()?;
    Some(ObjectName { checksum, kind })
}

/// The file that marks a commit as partial, relative to the repository.
pub fn partial_path(commit: &Checksum) -> String {
    format!("state/{commit}.commitpartial")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_round_trip() {
        for kind in ObjectKind::ALL {
            let name = ObjectName::new(kind, Checksum::of(b"x"));
            for mode in [RepoMode::Bare, RepoMode::Archive] {
                let path = loose_path(&name, mode);
                let (prefix, file) = path.split_once('/').unwrap();
                if kind.is_metadata() || kind == ObjectKind::File || mode == RepoMode::Bare {
                    assert_eq!(parse_loose(prefix, file), Some(name), "{path}");
                }
            }
        }
        assert_eq!(parse_loose("ab", "cd.file"), None);
        assert_eq!(parse_loose("ab", "tmp"), None);
    }
}
