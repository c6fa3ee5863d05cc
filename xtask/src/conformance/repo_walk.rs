//! Describes a repository's state as text: objects, refs, skeleton and config.

use super::tree_walk::{describe_entry, entries, show_path};
use crate::units::hex;
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// One line per object. Of `.filez` objects only the header is shown (deflated bytes may differ between zlib builds),
/// of detached metadata only the name (its dictionary has no order).
///
/// # Errors
/// Anything unreadable, with its path.
pub fn objects(repo: &Path, mtime: bool) -> Result<String> {
    let mut text = String::new();
    let root = repo.join("objects");
    for (relative, metadata) in entries(&root)?.into_iter().filter(|(_, metadata)| !metadata.is_dir()) {
        let path = root.join(&relative);
        let shown = show_path(&relative);
        let what = match path.extension().and_then(|extension| extension.to_str()) {
            Some("filez") => format!("{:06o} header={}", metadata.mode(), filez_header(&path)?),
            Some("commitmeta" | "tombstone-commit") => format!("{:06o}", metadata.mode()),
            Some("file") if mtime && !metadata.is_symlink() => {
                let zero = if metadata.mtime() == 0 { "t=0" } else { "t>0" };
                format!("{} {zero}", describe_entry(&path, &metadata)?)
            }
            _ => describe_entry(&path, &metadata)?,
        };
        writeln!(text, "{shown} {what}")?;
    }
    Ok(text)
}

/// The framed header of an archive object, in hex.
fn filez_header(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut prefix = [0_u8; 8];
    file.read_exact(&mut prefix).with_context(|| format!("reading {}", path.display()))?;
    let [a, b, c, d, padding @ ..] = prefix;
    let length = u64::from(u32::from_be_bytes([a, b, c, d]));
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header).with_context(|| format!("reading {}", path.display()))?;
    Ok(format!("{}+{}", hex(&padding), hex(&header)))
}

/// One line per ref file: its commit, or an alias's target.
///
/// # Errors
/// Anything unreadable, with its path.
pub fn refs(repo: &Path) -> Result<String> {
    let mut text = String::new();
    let root = repo.join("refs");
    for (relative, metadata) in entries(&root)?.into_iter().filter(|(_, metadata)| !metadata.is_dir()) {
        let path = root.join(&relative);
        let value = if metadata.is_symlink() {
            format!("-> {}", fs::read_link(&path)?.display())
        } else {
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?.replace('\n', "\\n")
        };
        writeln!(text, "{} {:o} {value}", show_path(&relative), metadata.mode() & 0o7777)?;
    }
    Ok(text)
}

/// The directories of a repository with their modes, its top-level files, and the config text.
///
/// # Errors
/// Anything unreadable, with its path.
pub fn skeleton(repo: &Path) -> Result<String> {
    let mut text = String::new();
    for (relative, metadata) in entries(repo)? {
        let shown = show_path(&relative);
        // What is made when first needed is not part of the skeleton.
        let inside = ["objects/", "tmp/", "state/", "uncompressed-objects-cache", ".lock"]
            .iter()
            .any(|prefix| shown.starts_with(prefix));
        if !inside && (metadata.is_dir() || !shown.contains('/')) {
            writeln!(text, "{shown} {:06o}", metadata.mode())?;
        }
    }
    let config = repo.join("config");
    text.push_str(&fs::read_to_string(&config).with_context(|| format!("reading {}", config.display()))?);
    Ok(text)
}
