//! File objects of mode `archive`: a header, then the content as a raw deflate stream.

use std::io::BufReader;

use flate2::bufread::DeflateDecoder;
use ostree_core::FileObject;
use ostree_core::file::read_archive_header;

use crate::error::RepoError;
use crate::fs::Dir;
use crate::loose::content::ContentLimit;

/// How much of a `.filez` file is read at once. Most are smaller.
const READ_BUFFER: usize = 32 * 1024;

/// Opens the `.filez` file at `path`.
pub fn read(objects: &Dir, path: &str) -> Result<Option<FileObject>, RepoError> {
    let Some(file) = objects.open_file(path).map_err(|e| objects.fail("opening", path, e))? else { return Ok(None) };
    let mut stream = BufReader::with_capacity(READ_BUFFER, file);
    let parsed = read_archive_header(&mut stream)
        .map_err(|e| RepoError::io("reading", objects.path().join(path), std::io::Error::other(e)))?;
    let content: Option<Box<dyn std::io::Read + Send>> = match parsed.header.is_symlink() {
        true => None,
        false => Some(Box::new(ContentLimit::new(DeflateDecoder::new(stream), parsed.size))),
    };
    Ok(Some(FileObject { header: parsed.header, size: parsed.size, content }))
}
