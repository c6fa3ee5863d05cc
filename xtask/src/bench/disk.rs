//! A file system of its own for the bench, so that neither the host's kind nor what was deleted there counts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::sh::cmd;

/// How large it may grow; the file is sparse and gives back what is deleted.
const SIZE: u64 = 64 << 30;

/// A mounted ext4 with a journal, in a file. Without a journal, as some virtual machines have it, ext4 passes over inodes that
/// were freed in the last five minutes, and looking for others then takes longer than the work that is measured.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// Mounts the file system `name.img` in `dir` at `dir/name`, made by the first call. It stays mounted if this process is
    /// killed, and is then taken as it is.
    ///
    /// # Errors
    /// Programs or loop devices are missing, or not root.
    pub fn mount(dir: &Path, name: &str) -> Result<Self> {
        let (image, root) = (dir.join(format!("{name}.img")), dir.join(name));
        fs::create_dir_all(&root).with_context(|| format!("make {}", root.display()))?;
        let disk = Self { root };
        if disk.is_mounted()? {
            return Ok(disk);
        }
        if !image.exists() {
            let new = image.with_extension("new");
            File::create(&new)
                .and_then(|file| file.set_len(SIZE))
                .with_context(|| format!("make {}", new.display()))?;
            // Written out at once, lest the kernel does it behind the first runs.
            cmd("mkfs.ext4")
                .args(["-q", "-N", "2000000", "-E", "lazy_itable_init=0,lazy_journal_init=0"])
                .arg(&new)
                .read()?;
            fs::rename(&new, &image).with_context(|| format!("make {}", image.display()))?;
        }
        // Direct: every byte would stand in the page cache twice.
        let device = cmd("losetup").args(["--find", "--show", "--direct-io=on"]).arg(&image).read()?;
        let device = device.trim();
        let mounted = cmd("mount").args(["-o", "noatime,discard", device]).arg(&disk.root).read();
        // From now on the device goes when it is unmounted.
        cmd("losetup").args(["--detach", device]).read()?;
        mounted?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn is_mounted(&self) -> Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev()).context("look at the bench's disk");
        Ok(device(&self.root)? != device(&self.root.join(".."))?)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The file keeps what was deleted in it until it is told; not every place can be told.
        let _ = cmd("fstrim").arg(&self.root).read();
        if let Err(problem) = cmd("umount").arg(&self.root).read() {
            println!("the bench's disk stays mounted: {problem:#}");
        }
    }
}
