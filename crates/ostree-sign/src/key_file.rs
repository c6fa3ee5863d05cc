//! Reading files of keys, up to a limit.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::SignError;
use crate::limits::{MAX_KEY_FILE, MAX_KEY_FILES};

/// The whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, SignError> {
    let file = File::open(path).map_err(|source| SignError::Read { path: path.to_owned(), source })?;
    read_all(file, path)
}

/// All that the reader has; `path` is named in errors.
pub(crate) fn read_all(reader: impl Read, path: &Path) -> Result<Vec<u8>, SignError> {
    let mut bytes = Vec::new();
    let read = reader.take(MAX_KEY_FILE + 1).read_to_end(&mut bytes);
    read.map_err(|source| SignError::Read { path: path.to_owned(), source })?;
    if bytes.len() as u64 > MAX_KEY_FILE {
        return Err(SignError::TooLarge { what: path.display().to_string(), limit: MAX_KEY_FILE });
    }
    Ok(bytes)
}

/// The regular files of a directory, sorted by name; links to regular files are among them.
pub(crate) fn files_of(path: &Path) -> Result<Vec<PathBuf>, SignError> {
    let problem = |source| SignError::Read { path: path.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(problem)? {
        let entry = entry.map_err(problem)?.path();
        if entry.is_file() {
            files.push(entry);
        }
        if files.len() > MAX_KEY_FILES {
            return Err(SignError::malformed(path.display().to_string(), format!("more than {MAX_KEY_FILES} files")));
        }
    }
    files.sort();
    Ok(files)
}
