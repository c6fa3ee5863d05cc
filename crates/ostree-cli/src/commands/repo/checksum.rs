//! `checksum`: the name a local file or directory would have as an object.

use std::ffi::CString;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use ostree_core::{DirMeta, FileHasher, FileHeader, Owner, Xattrs, mode};

use crate::output::line;

/// Checksum a file or directory
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Don't include xattrs in checksum
    #[arg(long)]
    ignore_xattrs: bool,
    /// The file or directory
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

/// Prints the checksum of the file object, or of the dirmeta for a directory.
pub fn run(args: &Args) -> Result<()> {
    let path = &args.path;
    let stat = fs::symlink_metadata(path).with_context(|| {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        format!("Error when getting information for file “{}”", absolute.display())
    })?;
    let owner = Owner { uid: stat.uid(), gid: stat.gid() };
    let xattrs = if args.ignore_xattrs { Xattrs::default() } else { xattrs(path)? };
    if stat.is_dir() {
        return line(DirMeta { owner, mode: stat.mode(), xattrs }.id());
    }
    if stat.is_symlink() {
        let target = fs::read_link(path).with_context(|| format!("reading link {}", path.display()))?;
        let target = target.to_str().context("a symlink target that is not UTF-8")?.to_owned();
        return line(FileHasher::new(&FileHeader::symlink(owner, target, xattrs)).finish());
    }
    if !stat.is_file() {
        bail!("Not a regular file or symlink: {}", path.display());
    }
    let mut hasher = FileHasher::new(&FileHeader::regular(owner, stat.mode() & mode::PERMISSION_MASK, xattrs));
    let mut file = fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let count = file.read(&mut buffer).with_context(|| format!("reading {}", path.display()))?;
        match buffer.get(..count) {
            Some([]) | None => break,
            Some(bytes) => hasher.update(bytes),
        }
    }
    line(hasher.finish())
}

fn xattrs(path: &Path) -> Result<Xattrs> {
    let failed = || format!("reading xattrs of {}", path.display());
    let name = CString::new(path.as_os_str().as_bytes())?;
    let mut names = vec![0u8; 64 * 1024];
    let length = match rustix::fs::llistxattr(&name, &mut names) {
        Err(rustix::io::Errno::OPNOTSUPP) => return Ok(Xattrs::default()),
        other => other.with_context(failed)?,
    };
    let mut pairs = Vec::new();
    let mut value = vec![0u8; 64 * 1024];
    for key in names.get(..length).unwrap_or_default().split(|byte| *byte == 0).filter(|key| !key.is_empty()) {
        let size = rustix::fs::lgetxattr(&name, &CString::new(key)?, &mut value).with_context(failed)?;
        // As in commits: `ostree` takes an attribute without a value for one that is gone.
        if size > 0 {
            pairs.push((key.to_vec(), value.get(..size).unwrap_or_default().to_vec()));
        }
    }
    Ok(Xattrs::new(pairs)?)
}
