//! The store that a reference names: `[[DRIVER@]GRAPHROOT[+RUNROOT][:OPTIONS]]NAME` (containers-transports(5)).

use std::path::PathBuf;

use crate::error::StorageError;
use crate::options::image_stores;

/// Where a reference says that the storage is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSpec {
    /// The storage driver, where one is named.
    pub driver: Option<String>,
    /// The graph root, an absolute path.
    pub root: PathBuf,
    /// Further graph roots, whose images and layers are there too: the `imagestore` options of any driver.
    pub image_stores: Vec<PathBuf>,
}

/// Cuts a reference (without its transport) into the storage that it names, if it names one, and the image's name.
///
/// # Errors
/// [`StorageError::Reference`].
pub fn split(reference: &str) -> Result<(Option<StoreSpec>, &str), StorageError> {
    let refuse = |reason: &str| StorageError::Reference { reference: reference.to_owned(), reason: reason.to_owned() };
    let (spec, name) = match reference.strip_prefix('[') {
        None => (None, reference),
        Some(rest) => {
            let (spec, name) = rest.split_once(']').ok_or_else(|| refuse("no ']' behind the storage"))?;
            (Some(parse_spec(spec).map_err(refuse)?), name)
        }
    };
    match name {
        "" => Err(refuse("no image is named")),
        name => Ok((spec, name)),
    }
}

fn parse_spec(text: &str) -> Result<StoreSpec, &'static str> {
    let (driver, rest) = match text.split_once('@') {
        Some(("", _)) => return Err("no driver before the '@'"),
        Some((driver, rest)) => (Some(driver.to_owned()), rest),
        None => (None, text),
    };
    let (paths, options) = rest.split_once(':').unwrap_or((rest, ""));
    let (root, run_root) = match paths.split_once('+') {
        Some((root, run_root)) => (root, Some(run_root)),
        None => (paths, None),
    };
    // The run root holds what is mounted, which does not matter here.
    if !root.starts_with('/') || run_root.is_some_and(|path| !path.is_empty() && !path.starts_with('/')) {
        return Err("the storage's paths must be absolute");
    }
    Ok(StoreSpec { driver, root: root.into(), image_stores: image_stores(options) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_told_apart_from_names() {
        assert_eq!(split("x:1").unwrap(), (None, "x:1"));
        let (spec, name) = split("[overlay@/g+/r:overlay.imagestore=/i,x=y]localhost/x@sha256:00").unwrap();
        let expected = StoreSpec { driver: Some("overlay".into()), root: "/g".into(), image_stores: vec!["/i".into()] };
        assert_eq!((spec, name), (Some(expected), "localhost/x@sha256:00"));
        let (spec, name) = split("[/g]@abc").unwrap();
        assert_eq!((spec.unwrap().root, name), ("/g".into(), "@abc"));
    }

    #[test]
    fn broken_ones_are_refused() {
        for bad in ["", "[", "[]x", "[/g]", "[@/g]x", "[vfs@]x", "[g]x", "[/g+r]x", "[/g"] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }
}
