//! Reads a small settings file, bounded.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::RegistryError;

/// The content of `path`, which may be at most `limit` bytes long. `what` names the file's purpose in the error.
pub(crate) fn read(what: &'static str, path: &Path, limit: u64) -> Result<Vec<u8>, RegistryError> {
    read_raw(path, limit).map_err(|source| RegistryError::ReadFile { what, path: path.to_owned(), source })
}

/// The same, with the bare cause.
pub(crate) fn read_raw(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(io::Error::other(format!("larger than {limit} bytes")));
    }
    Ok(content)
}
