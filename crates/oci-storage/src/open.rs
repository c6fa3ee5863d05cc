//! Opening the files that settings and storages consist of: regular ones, and no others.

use std::fs::File;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::error::StorageError;

/// Opens a regular file for reading; `None` when there is none.
pub(crate) fn regular(path: &Path) -> Result<Option<File>, StorageError> {
    let failed = |action, source| StorageError::Io { action, path: path.to_owned(), source };
    // Without NONBLOCK a named pipe would keep us waiting here.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
        Err(errno) => return Err(failed("opening", errno.into())),
    };
    if !file.metadata().map_err(|error| failed("examining", error))?.is_file() {
        return Err(StorageError::File { path: path.to_owned(), reason: "not a regular file".to_owned() });
    }
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType, mknodat};

    use super::*;

    #[test]
    fn regular_files_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let [file, link, pipe] = ["file", "link", "pipe"].map(|name| dir.path().join(name));
        std::fs::write(&file, "").unwrap();
        symlink(&file, &link).unwrap();
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert!(regular(&file).unwrap().is_some() && regular(&link).unwrap().is_some());
        assert!(
            regular(&file.join("below")).unwrap().is_none() && regular(&dir.path().join("none")).unwrap().is_none()
        );
        for other in [pipe.as_path(), dir.path()] {
            let error = regular(other).unwrap_err().to_string();
            assert_eq!(error, format!("{}: not a regular file", other.display()));
        }
    }
}
