//! The files of one layer: found by their names in the archive, without leaving the layer's directory.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::beneath;
use crate::error::StorageError;
use crate::foreign::ForeignFiles;

/// A layer's directory.
#[derive(Debug)]
pub(crate) struct DiffDir {
    fd: OwnedFd,
    path: PathBuf,
    foreign: Arc<ForeignFiles>,
}

impl DiffDir {
    /// Opens the directory `inside` of the graph root, which may be a link itself; below it no link is followed. Files that
    /// this user may not open are left to `foreign`.
    pub(crate) fn open(root: &Path, inside: &Path, foreign: Arc<ForeignFiles>) -> Result<Self, StorageError> {
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::DIRECTORY;
        let failed = |path: &Path, errno: Errno| match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_symlink() => {
                StorageError::File { path: path.to_owned(), reason: "a link is in the place of a directory".to_owned() }
            }
            _ => StorageError::Io { action: "opening", path: path.to_owned(), source: errno.into() },
        };
        let mut path = root.to_owned();
        let mut fd = rustix::fs::open(&path, flags, Mode::empty()).map_err(|errno| failed(&path, errno))?;
        for component in inside.components() {
            path.push(component);
            let below = rustix::fs::openat(&fd, component.as_os_str(), flags | OFlags::NOFOLLOW, Mode::empty());
            fd = below.map_err(|errno| failed(&path, errno))?;
        }
        Ok(Self { fd, path, foreign })
    }

    /// The path of a file in the layer, for messages.
    pub(crate) fn path_of(&self, name: &[u8]) -> PathBuf {
        self.path.join(clean(name).unwrap_or_else(|| OsStr::from_bytes(name).into()))
    }

    /// Opens the regular file that an entry of the archive stands for, which has `size` bytes. The reason is given when there
    /// is none.
    pub(crate) fn open_file(&self, name: &[u8], size: u64) -> Result<File, String> {
        let inside = clean(name).ok_or("its name leads out of the layer")?;
        let file = self.open_inside(&inside).map(File::from).map_err(|errno| self.explain(errno, &inside))?;
        let metadata = file.metadata().map_err(|error| error.to_string())?;
        if !metadata.is_file() {
            return Err("not a regular file any more".to_owned());
        }
        if metadata.len() != size {
            return Err(format!("damaged: {} bytes in place of {size}", metadata.len()));
        }
        Ok(file)
    }

    fn open_inside(&self, inside: &Path) -> Result<OwnedFd, Errno> {
        match beneath::open(self.fd.as_fd(), inside) {
            Err(Errno::ACCESS | Errno::PERM) => self.foreign.open(self.fd.as_fd(), inside),
            opened => opened,
        }
    }

    fn explain(&self, errno: Errno, inside: &Path) -> String {
        match errno {
            Errno::NOENT | Errno::NOTDIR => "missing".to_owned(),
            Errno::LOOP => "a link is in its place".to_owned(),
            // Owners and modes in the archive are those of its tar-split data; of the file nothing but its content is wanted.
            Errno::ACCESS | Errno::PERM => {
                let owner = std::fs::symlink_metadata(self.path.join(inside)).map_or_else(
                    |_| String::new(),
                    |file| format!(" (mode {:04o}, owner {}:{})", file.mode() & 0o7777, file.uid(), file.gid()),
                );
                format!("unreadable for this user{owner}{}", self.foreign.advice())
            }
            other => std::io::Error::from(other).to_string(),
        }
    }
}

/// The name as a path inside of the layer: without slashes in front, without `.` and `..`. `None` when it leads out, or
/// nowhere.
fn clean(name: &[u8]) -> Option<PathBuf> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()?),
            part if part.contains(&0) => return None,
            part => parts.push(part),
        }
    }
    let path: PathBuf = parts.iter().map(|part| OsStr::from_bytes(part)).collect();
    (!parts.is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beneath::tests::layer_with_links;
    use crate::environment::Environment;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    fn layer() -> (tempfile::TempDir, DiffDir) {
        let (outside, diff) = layer_with_links();
        let foreign = Arc::new(ForeignFiles::new(&Environment::new(outside.path(), 0, &[])));
        let dir = DiffDir::open(outside.path(), Path::new("diff"), foreign).unwrap();
        assert_eq!(dir.path, diff);
        (outside, dir)
    }

    #[test]
    fn the_directory_is_no_link() {
        let (outside, _) = layer();
        let above = tempfile::tempdir().unwrap();
        let at = |path: &str| above.path().join(path);
        std::fs::create_dir_all(at("root/real")).unwrap();
        symlink(outside.path(), at("root/link")).unwrap();
        symlink(outside.path().join("diff"), at("root/real/diff")).unwrap();
        symlink(at("root"), at("elsewhere")).unwrap();
        let open = |root: &str, inside: &str| {
            let foreign = Arc::new(ForeignFiles::new(&Environment::new(outside.path(), 0, &[])));
            DiffDir::open(&at(root), Path::new(inside), foreign).map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(open("elsewhere", "real"), Ok(()));
        for (inside, link) in [("link/diff", "root/link"), ("link", "root/link"), ("real/diff", "root/real/diff")] {
            let words = format!("{}: a link is in the place of a directory", at(link).display());
            assert_eq!(open("root", inside), Err(words));
        }
        assert!(open("root", "none/diff").unwrap_err().starts_with("opening "));
    }

    #[test]
    fn names_are_cleaned() {
        let cases: [(&[u8], Option<&str>); 7] = [
            (b"./usr//x", Some("usr/x")),
            (b"/usr/./x/", Some("usr/x")),
            (b"a/../b", Some("b")),
            (b"../b", None),
            (b"a/../../b", None),
            (b"./", None),
            (b"a\0b", None),
        ];
        for (name, path) in cases {
            assert_eq!(clean(name), path.map(PathBuf::from), "{}", name.escape_ascii());
        }
    }

    #[test]
    fn files_are_found_and_nothing_outside() {
        let (_outside, dir) = layer();
        for name in ["usr/lib/x", "./usr/lib/x", "lib/x"] {
            let mut text = String::new();
            dir.open_file(name.as_bytes(), 3).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "abc");
        }
        for name in ["out", "up/secret", "../secret", "link", "usr/lib", "usr/lib/y", "usr/lib/x/y"] {
            assert!(dir.open_file(name.as_bytes(), 3).is_err(), "{name}");
        }
        assert_eq!(dir.open_file(b"usr/lib/x", 4).unwrap_err(), "damaged: 3 bytes in place of 4");
    }
}
