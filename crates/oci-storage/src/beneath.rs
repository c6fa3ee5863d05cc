//! Opening a file beneath a layer's directory, from which no link leads out.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// Without NONBLOCK a named pipe would keep us waiting.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOFOLLOW);
const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::CLOEXEC).union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW);

/// Opens the file `inside` of the directory.
pub(crate) fn open(dir: BorrowedFd<'_>, inside: &Path) -> Result<OwnedFd, Errno> {
    let open = |resolve| rustix::fs::openat2(dir, inside, FILE, Mode::empty(), resolve);
    match open(ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS) {
        // An archive may have put files through a link of its own; the layer is their root then, as it was when they were
        // unpacked.
        Err(Errno::LOOP) => open(ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS),
        // Kernels before 5.6.
        Err(Errno::NOSYS) => walk_to(dir, inside),
        other => other,
    }
}

/// Opens a file by its components, none of which may be a link.
fn walk_to(layer: BorrowedFd<'_>, inside: &Path) -> Result<OwnedFd, Errno> {
    let name = inside.file_name().ok_or(Errno::ISDIR)?;
    let mut dir: Option<OwnedFd> = None;
    for component in inside.parent().into_iter().flat_map(Path::components) {
        let below = dir.as_ref().map_or(layer, AsFd::as_fd);
        dir = Some(rustix::fs::openat(below, component.as_os_str(), DIRECTORY, Mode::empty())?);
    }
    rustix::fs::openat(dir.as_ref().map_or(layer, AsFd::as_fd), name, FILE, Mode::empty())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs::File;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A directory `diff` with a file and links, most of which lead out of it, to a file beside it.
    pub(crate) fn layer_with_links() -> (tempfile::TempDir, std::path::PathBuf) {
        let outside = tempfile::tempdir().unwrap();
        let diff = outside.path().join("diff");
        std::fs::create_dir_all(diff.join("usr/lib")).unwrap();
        std::fs::write(diff.join("usr/lib/x"), "abc").unwrap();
        std::fs::write(outside.path().join("secret"), "abc").unwrap();
        symlink("/usr/lib", diff.join("lib")).unwrap();
        symlink("../secret", diff.join("out")).unwrap();
        symlink("..", diff.join("up")).unwrap();
        symlink("usr/lib/x", diff.join("link")).unwrap();
        (outside, diff)
    }

    #[test]
    fn walking_follows_no_link() {
        let (_outside, diff) = layer_with_links();
        let dir = File::open(&diff).unwrap();
        assert!(walk_to(dir.as_fd(), Path::new("usr/lib/x")).is_ok());
        for name in ["lib/x", "link", "out", "up/secret"] {
            assert!(walk_to(dir.as_fd(), Path::new(name)).is_err(), "{name}");
        }
    }
}
