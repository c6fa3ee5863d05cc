//! Random access to the files of a tar archive, after one pass over its headers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tar_core::parse::{Limits, ParseEvent, ParsedEntry, Parser};

use crate::error::ImageError;
use crate::layer::read::compression_by_magic;
use crate::limits::{MAX_ARCHIVE_ENTRIES, MAX_ARCHIVE_LINKS};

/// Bytes read for a header at first; more when it has extensions.
const HEADER_READ: usize = 2048;

/// An archive's files by their cleaned names.
#[derive(Debug)]
pub(super) struct TarFile {
    file: Arc<File>,
    path: PathBuf,
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone)]
enum Entry {
    /// Where the content is in the archive.
    Content { offset: u64, size: u64 },
    /// The cleaned name of the entry that holds the content.
    Link(String),
}

impl TarFile {
    /// Opens an archive and reads its headers.
    pub(super) fn open(path: &Path) -> Result<Self, ImageError> {
        let file = File::open(path).map_err(|error| super::fs::io_error("opening", path, error))?;
        let metadata = file.metadata().map_err(|error| super::fs::io_error("examining", path, error))?;
        let mut archive = Self { file: Arc::new(file), path: path.to_owned(), entries: BTreeMap::new() };
        if !metadata.is_file() {
            return Err(archive.invalid("not a regular file".to_owned()));
        }
        if compression_by_magic(&archive.read_at(0, 8)?).is_some() {
            let feature = "compressed archive (decompress it first)".to_owned();
            return Err(ImageError::Unsupported { what: path.display().to_string(), feature });
        }
        archive.read_headers(metadata.len())?;
        Ok(archive)
    }

    /// The archive's path, for messages.
    pub(super) fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn invalid(&self, reason: String) -> ImageError {
        ImageError::Invalid { what: self.place(), reason }
    }

    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::with_capacity(length);
        let mut section = Section { file: self.file.clone(), offset, left: length as u64 };
        section.read_to_end(&mut bytes).map_err(|error| super::fs::io_error("reading", &self.path, error))?;
        Ok(bytes)
    }

    fn read_headers(&mut self, length: u64) -> Result<(), ImageError> {
        let mut parser = Parser::new(Limits { max_path_len: Some(4096), ..Limits::default() });
        parser.set_allow_empty_path(true);
        let (mut position, mut want) = (0_u64, HEADER_READ);
        while position < length {
            let bytes = self.read_at(position, want)?;
            let at = |reason: String| format!("at byte {position}: {reason}");
            match parser.parse(&bytes).map_err(|error| self.invalid(at(error.to_string())))? {
                ParseEvent::NeedData { min_bytes } => {
                    if bytes.len() < want {
                        return Err(self.invalid(at("the archive ends in the middle of a header".to_owned())));
                    }
                    want = min_bytes.max(want.saturating_mul(2));
                }
                ParseEvent::Entry { consumed, entry } => {
                    let offset = position + consumed as u64;
                    let end = entry.size.checked_next_multiple_of(512).and_then(|size| offset.checked_add(size));
                    let Some(end) = end.filter(|_| offset.checked_add(entry.size).is_some_and(|end| end <= length))
                    else {
                        return Err(self.invalid(at("the archive ends in the middle of a file".to_owned())));
                    };
                    let found = name_and_entry(&entry, offset).map_err(|reason| self.invalid(at(reason)))?;
                    self.insert(found)?;
                    (position, want) = (end, HEADER_READ);
                }
                ParseEvent::SparseEntry { .. } => {
                    return Err(self.invalid(at("a sparse file cannot be part of an image".to_owned())));
                }
                ParseEvent::GlobalExtensions { consumed, .. } => position += consumed as u64,
                ParseEvent::End { .. } => return Ok(()),
            }
        }
        Ok(())
    }

    fn insert(&mut self, found: Option<(String, Entry)>) -> Result<(), ImageError> {
        if self.entries.len() >= MAX_ARCHIVE_ENTRIES {
            return Err(self.invalid(format!("more than {MAX_ARCHIVE_ENTRIES} files")));
        }
        self.entries.extend(found);
        Ok(())
    }

    /// Where the content of `name` is, links followed: offset and size in bytes. `None` when there is no such file.
    fn find(&self, name: &str) -> Result<Option<(u64, u64)>, ImageError> {
        let mut name = clean(name).ok_or_else(|| self.invalid(format!("the name {name:?} leads out of it")))?;
        for _ in 0..MAX_ARCHIVE_LINKS {
            match self.entries.get(&name) {
                None => return Ok(None),
                Some(Entry::Content { offset, size }) => return Ok(Some((*offset, *size))),
                Some(Entry::Link(target)) => name = target.clone(),
            }
        }
        Err(self.invalid(format!("too many links to reach {name:?}")))
    }

    /// Opens a file of the archive; `None` when there is none.
    pub(super) fn open_entry(&self, name: &str) -> Result<Option<Section>, ImageError> {
        Ok(self.find(name)?.map(|(offset, size)| Section { file: self.file.clone(), offset, left: size }))
    }

    /// Reads a file of the archive of at most `limit` bytes; `None` when there is none.
    pub(super) fn read_small(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, ImageError> {
        let Some((offset, size)) = self.find(name)? else { return Ok(None) };
        match usize::try_from(size) {
            Ok(length) if size <= limit => self.read_at(offset, length).map(Some),
            _ => Err(self.invalid(format!("file {name:?} has {size} bytes, more than the limit of {limit}"))),
        }
    }
}

/// What a header stands for; `None` for directories and what no image holds.
fn name_and_entry(entry: &ParsedEntry<'_>, offset: u64) -> Result<Option<(String, Entry)>, String> {
    let (file, symlink, hard) = (entry.is_file(), entry.is_symlink(), entry.is_hard_link());
    if !(file || symlink || hard) {
        return Ok(None);
    }
    let text =
        |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "a name is not UTF-8".to_owned());
    let raw = text(&entry.path)?;
    let out = |name: &str| format!("the name {name:?} leads out of the archive");
    let name = clean(&raw).ok_or_else(|| out(&raw))?;
    if file {
        return Ok(Some((name, Entry::Content { offset, size: entry.size })));
    }
    let target = text(entry.link_target.as_deref().unwrap_or_default())?;
    // A symbolic link starts at its own directory, a hard link at the archive's root.
    let full = match name.rsplit_once('/') {
        Some((parent, _)) if symlink && !target.starts_with('/') => format!("{parent}/{target}"),
        _ => target,
    };
    Ok(Some((name, Entry::Link(clean(&full).ok_or_else(|| out(&full))?))))
}

/// The name without `.`, `..` and empty components. `None` when it leads above the root.
fn clean(name: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A stretch of a file, read without moving the file's own position.
#[derive(Debug)]
pub(super) struct Section {
    file: Arc<File>,
    offset: u64,
    left: u64,
}

impl Section {
    /// The bytes that are left.
    pub(super) fn len(&self) -> u64 {
        self.left
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let got = self.file.read_at(buffer.get_mut(..want).unwrap_or_default(), self.offset)?;
        self.offset += got as u64;
        self.left -= got as u64;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned() {
        let cases =
            [("./a//b/", Some("a/b")), ("a/../b", Some("b")), ("../x", None), ("/a", Some("a")), ("a/../..", None)];
        for (name, expected) in cases {
            assert_eq!(clean(name).as_deref(), expected, "{name}");
        }
    }
}
