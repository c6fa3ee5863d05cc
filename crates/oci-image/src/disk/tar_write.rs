//! A tar archive written in place of a file: content first, its header patched in when size and name are known.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use tar_core::{EntryType, Header};

use crate::error::ImageError;

use super::fs::{Dir, Staged, io_error};

/// The length of a tar block in bytes.
const BLOCK: u64 = 512;

/// An archive being written. One entry is written at a time; clones write to the same archive.
#[derive(Debug, Clone)]
pub(super) struct TarWriter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: PathBuf,
    file: Arc<File>,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug)]
struct State {
    /// `None` once the archive is in place.
    staged: Option<Staged>,
    dir: Dir,
    /// Where the next header comes.
    end: u64,
    /// The thread that started the entry being written.
    writing: Option<ThreadId>,
    /// Where each file's content is, and its size.
    names: BTreeMap<String, (u64, u64)>,
}

impl TarWriter {
    /// Starts an archive that will be at `target`, in place of a regular file there.
    pub(super) fn create(target: &Path) -> Result<Self, ImageError> {
        match std::fs::metadata(target) {
            Ok(metadata) if !metadata.is_file() => {
                let reason = "exists and is not a regular file".to_owned();
                return Err(ImageError::Invalid { what: target.display().to_string(), reason });
            }
            _ => {}
        }
        let parent = match target.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        if target.file_name().and_then(|name| name.to_str()).is_none() {
            let reason = "no file name in UTF-8".to_owned();
            return Err(ImageError::Invalid { what: target.display().to_string(), reason });
        }
        let dir = Dir::open(parent)?;
        let staged = dir.stage("")?;
        let file = staged.file().clone();
        let state = State { staged: Some(staged), dir, end: 0, writing: None, names: BTreeMap::new() };
        let shared = Shared { target: target.to_owned(), file, state: Mutex::new(state), freed: Condvar::new() };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(super) fn target(&self) -> &Path {
        &self.shared.target
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn io(&self, error: io::Error) -> ImageError {
        io_error("writing", &self.shared.target, error)
    }

    /// Whether a file of that name was written.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.state().names.contains_key(name)
    }

    /// Reads a file back that was written, of at most `limit` bytes; `None` when there is none such.
    pub(super) fn read_small(&self, name: &str, limit: u64) -> Option<Vec<u8>> {
        let (offset, size) = *self.state().names.get(name)?;
        let length = usize::try_from(size).ok().filter(|_| size <= limit)?;
        let mut bytes = vec![0; length];
        self.shared.file.read_exact_at(&mut bytes, offset).ok()?;
        Some(bytes)
    }

    /// Starts a file, after the one that another thread is writing.
    pub(super) fn begin(&self) -> Result<TarEntry, ImageError> {
        let me = std::thread::current().id();
        let mut state = self.state();
        while let Some(writer) = state.writing {
            if writer == me {
                let reason = "an archive takes one blob at a time".to_owned();
                return Err(ImageError::Invalid { what: self.shared.target.display().to_string(), reason });
            }
            state = self.shared.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writing = Some(me);
        Ok(TarEntry { archive: self.clone(), start: state.end, written: 0 })
    }

    /// Writes a small file.
    pub(super) fn add(&self, name: &str, bytes: &[u8]) -> Result<(), ImageError> {
        let mut entry = self.begin()?;
        entry.write_all(bytes).map_err(|error| ImageError::from_stream("writing", name, error))?;
        entry.commit(name)
    }

    /// Writes a directory's entry.
    pub(super) fn add_dir(&self, name: &str) -> Result<(), ImageError> {
        let mut state = self.state();
        let header = header(name, 0, EntryType::Directory)?;
        self.shared.file.write_all_at(header.as_bytes(), state.end).map_err(|error| self.io(error))?;
        state.end += BLOCK;
        Ok(())
    }

    /// Ends the archive, makes it durable and puts it in place.
    pub(super) fn finish(&self) -> Result<(), ImageError> {
        let mut state = self.state();
        let reason = if state.writing.is_some() { "a blob is unfinished" } else { "already finished" };
        let (None, Some(staged)) = (state.writing, state.staged.take()) else {
            let what = self.shared.target.display().to_string();
            return Err(ImageError::Invalid { what, reason: reason.to_owned() });
        };
        // An abandoned entry may have left bytes behind the end.
        self.shared.file.set_len(state.end).map_err(|error| self.io(error))?;
        self.shared.file.set_len(state.end + 2 * BLOCK).map_err(|error| self.io(error))?;
        let name = self.shared.target.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        staged.persist(name)?;
        state.dir.sync("")
    }
}

/// A file of the archive being written. Dropping it leaves nothing in the archive.
#[derive(Debug)]
pub(super) struct TarEntry {
    archive: TarWriter,
    /// Where its header comes.
    start: u64,
    written: u64,
}

impl TarEntry {
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Ends the file under its name. A second file of a name that is there already is left out.
    pub(super) fn commit(self, name: &str) -> Result<(), ImageError> {
        let header = header(name, self.written, EntryType::Regular)?;
        let padding = (BLOCK - self.written % BLOCK) % BLOCK;
        let mut state = self.archive.state();
        if state.names.contains_key(name) {
            return Ok(());
        }
        let file = &self.archive.shared.file;
        let zeros = [0; BLOCK as usize];
        let zeros = zeros.get(..padding as usize).unwrap_or_default();
        file.write_all_at(zeros, self.start + BLOCK + self.written)
            .and_then(|()| file.write_all_at(header.as_bytes(), self.start))
            .map_err(|error| self.archive.io(error))?;
        state.end = self.start + BLOCK + self.written + padding;
        state.names.insert(name.to_owned(), (self.start + BLOCK, self.written));
        Ok(())
    }
}

impl Drop for TarEntry {
    fn drop(&mut self) {
        self.archive.state().writing = None;
        self.archive.shared.freed.notify_one();
    }
}

impl Write for TarEntry {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = &self.archive.shared.file;
        match file.write_at(bytes, self.start + BLOCK + self.written) {
            Ok(taken) => {
                self.written += taken as u64;
                Ok(taken)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(self.archive.io(error).into_io()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A header that says nothing of host, user or time.
fn header(name: &str, size: u64, kind: EntryType) -> Result<Header, ImageError> {
    // Octal digits end at 8 GiB; beyond, the size is binary, which is GNU's way.
    let mut header = if size < 1 << 33 { Header::new_ustar() } else { Header::new_gnu() };
    let mode = if kind == EntryType::Directory { 0o755 } else { 0o644 };
    let fill = |header: &mut Header| {
        header.set_path(name.as_bytes())?;
        header.set_size(size)?;
        header.set_mode(mode)?;
        header.set_uid(0)?;
        header.set_gid(0)?;
        header.set_mtime(0)
    };
    fill(&mut header).map_err(|error| ImageError::Unsupported {
        what: format!("archive entry {name:?}"),
        feature: format!("name or size: {error}"),
    })?;
    header.set_entry_type(kind);
    header.set_checksum();
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::super::tar_read::TarFile;
    use super::*;

    #[test]
    fn entries_read_back_and_abandoned_ones_vanish() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("a.tar");
        let writer = TarWriter::create(&path).unwrap();
        writer.add_dir("blobs/").unwrap();
        writer.add("blobs/a", b"one").unwrap();
        let mut abandoned = writer.begin().unwrap();
        abandoned.write_all(&[7; 5000]).unwrap();
        assert!(writer.begin().is_err(), "a second one in the same thread");
        drop(abandoned);
        writer.add("blobs/a", b"ignored").unwrap();
        writer.add("b", &[1; 512]).unwrap();
        assert!(!path.exists());
        writer.finish().unwrap();
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 1);
        let archive = TarFile::open(&path).unwrap();
        assert_eq!(archive.read_small("./blobs/a", 9).unwrap().unwrap(), b"one");
        assert_eq!(archive.read_small("b", 512).unwrap().unwrap(), [1; 512]);
        assert!(archive.read_small("b", 511).is_err());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 512 * 7);
        std::fs::write(&path, &std::fs::read(&path).unwrap()[..512 * 4 + 100]).unwrap();
        assert!(TarFile::open(&path).unwrap_err().to_string().contains("middle of a file"));
    }
}
