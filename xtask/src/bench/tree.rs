//! The tree that is measured on: a real Debian with a kernel, laid out as an OSTree commit wants it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::sh::{self, cmd};
use crate::units;

/// What makes a Debian of about 1.2 GB with a kernel, a compiler and SELinux' policy.
const PACKAGES: &str =
    "linux-image-amd64,systemd-sysv,openssh-server,python3,git,gcc,vim,locales,selinux-policy-default";

/// Folders whose contents belong to a running system and not to a commit.
const EMPTIED: [&str; 6] = ["var", "dev", "proc", "sys", "run", "tmp"];

/// A tree on disk.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Its top.
    pub dir: PathBuf,
    /// Regular files.
    pub files: u64,
    /// The sum of their lengths.
    pub bytes: u64,
}

impl Tree {
    fn at(dir: &Path) -> Result<Self> {
        let (files, bytes) = units::tree_size(dir)?;
        Ok(Self { dir: dir.to_owned(), files, bytes })
    }
}

/// The tree in `home`, built there by the first call: from `tar` if given, else by mmdebstrap.
///
/// # Errors
/// mmdebstrap or tar fails (mmdebstrap needs the network), or the tree cannot be laid out.
pub fn prepare(home: &Path, tar: Option<&Path>) -> Result<Tree> {
    let dir = home.join("tree");
    if !dir.is_dir() {
        let raw = home.join("tree.new");
        sh::remove_tree(&raw)?;
        fs::create_dir_all(&raw).with_context(|| format!("make {}", raw.display()))?;
        println!("building the tree in {} (once)", dir.display());
        match tar {
            Some(tar) => cmd("tar").args(["--numeric-owner", "--xattrs", "-xf"]).arg(tar).arg("-C").arg(&raw).read()?,
            None => bootstrap(&raw)?,
        };
        lay_out(&raw)?;
        // Only a tree that is whole gets the name.
        fs::rename(&raw, &dir).with_context(|| format!("rename {} to {}", raw.display(), dir.display()))?;
    }
    Tree::at(&dir)
}

fn bootstrap(dir: &Path) -> Result<String> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let is_debian = release.lines().any(|line| line == "ID=debian");
    let codename = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let suite = codename.filter(|_| is_debian).unwrap_or("bookworm");
    let mut bootstrap = cmd("mmdebstrap").args(["--quiet", "--mode=root", "--variant=standard"]);
    bootstrap = bootstrap.arg(format!("--include={PACKAGES}")).arg(suite).arg(dir);
    if !is_debian {
        bootstrap = bootstrap.arg("http://deb.debian.org/debian");
    }
    bootstrap.read()
}

/// `/etc` to `/usr/etc`, what belongs to a running system away, the kernel kept where it is.
fn lay_out(dir: &Path) -> Result<()> {
    for name in EMPTIED {
        sh::remove_tree(&dir.join(name))?;
        fs::create_dir(dir.join(name)).with_context(|| format!("make {name}"))?;
    }
    fs::rename(dir.join("etc"), dir.join("usr/etc")).context("move /etc to /usr/etc")?;
    fs::create_dir(dir.join("sysroot")).context("make /sysroot")?;
    symlink("sysroot/ostree", dir.join("ostree")).context("make /ostree")?;
    remove_special(dir)
}

fn remove_special(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            remove_special(&entry.path())?;
        } else if kind.is_char_device() || kind.is_block_device() || kind.is_fifo() || kind.is_socket() {
            fs::remove_file(entry.path()).with_context(|| format!("remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// A tree twice as large as `single`: its files once more below `/twice`, each different from its twin, because
/// equal contents are one object.
///
/// # Errors
/// Something cannot be copied.
pub fn double(home: &Path, single: &Tree) -> Result<Tree> {
    let dir = home.join("tree-double");
    if !dir.is_dir() {
        let raw = home.join("tree-double.new");
        sh::remove_tree(&raw)?;
        println!("building the double tree in {} (once)", dir.display());
        cmd("cp").args(["-a", "--reflink=auto"]).arg(&single.dir).arg(&raw).read()?;
        cmd("cp").args(["-a", "--reflink=auto"]).arg(&single.dir).arg(raw.join("twice")).read()?;
        make_different(&raw.join("twice"), &mut Vec::new())?;
        fs::rename(&raw, &dir).with_context(|| format!("rename {} to {}", raw.display(), dir.display()))?;
    }
    let double = Tree::at(&dir)?;
    ensure!(double.bytes >= 2 * single.bytes, "{} is not twice as large; remove it", dir.display());
    Ok(double)
}

/// Appends a byte to each file, once to those with several names.
fn make_different(dir: &Path, seen: &mut Vec<u64>) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        if meta.is_dir() {
            make_different(&entry.path(), seen)?;
        } else if meta.is_file() && !seen.contains(&meta.ino()) {
            let mut file = fs::OpenOptions::new().append(true).open(entry.path());
            let file =
                file.as_mut().map_err(|error| anyhow::anyhow!("append to {}: {error}", entry.path().display()))?;
            file.write_all(b"\n")?;
            if meta.nlink() > 1 {
                seen.push(meta.ino());
            }
        } else if !meta.is_symlink() && !meta.is_file() {
            bail!("{} is neither a file nor a link", entry.path().display());
        }
    }
    Ok(())
}
