//! Where an image is, and what it is called there, as rules about storages are written (containers-policy.json(5)).

use std::path::{Component, Path, PathBuf};

use oci_image::ImageError;

use crate::error::StorageError;

/// The storage that has an image, and the image's name in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoragePlace {
    /// The storage's driver.
    pub driver: String,
    /// Its graph root, an absolute path.
    pub root: String,
    /// The full name by which the image was found: with its registry, and with a tag or a digest.
    pub name: Option<String>,
    /// The image's whole identifier.
    pub id: String,
}

impl StoragePlace {
    /// `root` is taken as it was given, but in its shortest form: links count as themselves in rules.
    pub(crate) fn new(driver: &str, root: &Path, name: Option<String>, id: &str) -> Result<Self, ImageError> {
        let root = std::path::absolute(root).map_or_else(|_| root.to_owned(), |root| shortest(&root));
        let text = root.to_str().map(str::to_owned);
        let reason = || "its path is not valid UTF-8".to_owned();
        let root = text.ok_or_else(|| StorageError::NoStore { path: root, reason: reason() })?;
        Ok(Self { driver: driver.to_owned(), root, name, id: id.to_owned() })
    }
}

/// A path without `.` and `..`, by its words alone.
pub(crate) fn shortest(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if short.file_name().is_some() => drop(short.pop()),
            Component::ParentDir if short.has_root() => {}
            other => short.push(other),
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_in_their_shortest_form() {
        for (root, expected) in
            [("/g", "/g"), ("//g/./h/", "/g/h"), ("/g/x/../h/..", "/g"), ("/../g", "/g"), ("/", "/")]
        {
            assert_eq!(StoragePlace::new("vfs", Path::new(root), None, "i").unwrap().root, expected, "{root}");
        }
    }
}
