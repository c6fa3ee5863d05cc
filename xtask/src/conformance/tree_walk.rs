//! Describes file trees as text: the suite's own eyes, independent of both programs.

use anyhow::{Context, Result};
use rustix::buffer::spare_capacity;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::units::hex;

/// Every path below `root` (the root itself as `.`), in byte order, with its metadata; symlinks are not followed.
///
/// # Errors
/// A directory or entry that cannot be read, with its path.
pub fn entries(root: &Path) -> Result<BTreeMap<PathBuf, Metadata>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![PathBuf::from(".")];
    while let Some(relative) = pending.pop() {
        let path = root.join(&relative);
        let metadata = fs::symlink_metadata(&path).with_context(|| format!("looking at {}", path.display()))?;
        if metadata.is_dir() {
            for entry in fs::read_dir(&path).with_context(|| format!("listing {}", path.display()))? {
                pending.push(relative.join(entry?.file_name()));
            }
        }
        found.insert(relative, metadata);
    }
    Ok(found)
}

/// One line per entry: type and mode, owner, size and content hash or target, attributes, hard-link group.
///
/// # Errors
/// As [`entries`].
pub fn describe(root: &Path, mtime: bool) -> Result<String> {
    let mut text = String::new();
    let mut groups: BTreeMap<(u64, u64), PathBuf> = BTreeMap::new();
    for (relative, metadata) in entries(root)? {
        let path = root.join(&relative);
        let mut line = describe_entry(&path, &metadata)?;
        if mtime && !metadata.is_symlink() {
            line.push_str(if metadata.mtime() == 0 { " t=0" } else { " t>0" });
        }
        if !metadata.is_dir() && metadata.nlink() > 1 {
            let first = groups.entry((metadata.dev(), metadata.ino())).or_insert_with(|| relative.clone());
            if *first != relative {
                write!(line, " same-inode={}", show_path(first))?;
            }
        }
        writeln!(text, "{} {line}", show_path(&relative))?;
    }
    Ok(text)
}

/// Type, mode, owner, content and attributes of one entry.
///
/// # Errors
/// A file that cannot be read, with its path.
pub fn describe_entry(path: &Path, metadata: &Metadata) -> Result<String> {
    let mut line = format!("{:06o} {}:{}", metadata.mode(), metadata.uid(), metadata.gid());
    if metadata.is_symlink() {
        let target = fs::read_link(path).with_context(|| format!("reading link {}", path.display()))?;
        write!(line, " -> {}", show_path(&target))?;
    } else if metadata.is_file() {
        write!(line, " {} {}", metadata.len(), hash_file(path)?)?;
    } else if !metadata.is_dir() {
        write!(line, " rdev={}", metadata.rdev())?;
    }
    for (name, value) in xattrs(path)? {
        write!(line, " {name}={}", hex(&value))?;
    }
    Ok(line)
}

/// Which object of `repo` each non-directory of `root` shares its inode with (`-` for none).
///
/// # Errors
/// As [`entries`].
pub fn links(root: &Path, repo: &Path) -> Result<String> {
    let objects = repo.join("objects");
    let mut by_inode: BTreeMap<(u64, u64), PathBuf> = BTreeMap::new();
    let cache = repo.join("uncompressed-objects-cache");
    for store in [objects, cache].iter().filter(|store| store.exists()) {
        for (relative, metadata) in entries(store)?.into_iter().filter(|(_, metadata)| !metadata.is_dir()) {
            by_inode.insert((metadata.dev(), metadata.ino()), relative);
        }
    }
    let mut text = String::new();
    for (relative, metadata) in entries(root)?.into_iter().filter(|(_, metadata)| !metadata.is_dir()) {
        let object = by_inode.get(&(metadata.dev(), metadata.ino()));
        let object = object.map_or("-".to_owned(), |path| show_path(path));
        writeln!(text, "{} {object}", show_path(&relative))?;
    }
    Ok(text)
}

/// SHA-256 of a file, in hex.
///
/// # Errors
/// A file that cannot be read, with its path.
pub fn hash_file(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0_u8; 1 << 16];
    loop {
        let count = file.read(&mut buffer).with_context(|| format!("reading {}", path.display()))?;
        let Some(chunk) = buffer.get(..count).filter(|chunk| !chunk.is_empty()) else { break };
        hasher.update(chunk);
    }
    Ok(hex(&hasher.finalize()))
}

/// Every extended attribute of a path, not following symlinks; empty where the file system has none.
///
/// # Errors
/// An attribute that is listed but cannot be read.
pub fn xattrs(path: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut names = Vec::with_capacity(1 << 16);
    let mut found = BTreeMap::new();
    if rustix::fs::llistxattr(path, spare_capacity(&mut names)).is_err() {
        return Ok(found);
    }
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = Vec::with_capacity(1 << 16);
        rustix::fs::lgetxattr(path, name, spare_capacity(&mut value))
            .with_context(|| format!("reading attribute of {}", path.display()))?;
        found.insert(String::from_utf8_lossy(name).into_owned(), value);
    }
    Ok(found)
}

/// A path as printable text; bytes outside ASCII and blanks are escaped.
pub fn show_path(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let bytes = bytes.strip_prefix(b"./").unwrap_or(bytes);
    bytes.escape_ascii().to_string().replace(' ', "\\x20")
}
