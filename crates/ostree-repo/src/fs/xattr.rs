//! Reading and writing the extended attributes of files and symlinks.

use std::ffi::CString;
use std::os::fd::BorrowedFd;
use std::path::Path;

use ostree_core::Xattrs;
use rustix::fs::XattrFlags;
use rustix::io::Errno;

/// The xattr that holds a file's real metadata in a `bare-user` repository.
pub const OSTREEMETA: &str = "user.ostreemeta";

/// All xattrs of an open file. A file system without xattrs has none.
pub fn read_fd(fd: BorrowedFd<'_>) -> Result<Xattrs, Errno> {
    read_all(|buffer| rustix::fs::flistxattr(fd, buffer), |name, buffer| rustix::fs::fgetxattr(fd, name, buffer))
}

/// All xattrs of the file or symlink at `path`; a symlink is not followed.
pub fn read_path(path: &Path) -> Result<Xattrs, Errno> {
    read_all(|buffer| rustix::fs::llistxattr(path, buffer), |name, buffer| rustix::fs::lgetxattr(path, name, buffer))
}

/// The xattrs of an open file that is to become an object: those that have a value. The reference program passes over
/// empty ones, and the checksum must be the same.
pub fn committed_fd(fd: BorrowedFd<'_>) -> Result<Xattrs, Errno> {
    read_fd(fd).map(Xattrs::without_empty)
}

/// As [`committed_fd`], of the file or symlink at `path`.
pub fn committed_path(path: &Path) -> Result<Xattrs, Errno> {
    read_path(path).map(Xattrs::without_empty)
}

fn read_all(
    list: impl Fn(&mut [u8]) -> Result<usize, Errno>,
    get: impl Fn(&CString, &mut [u8]) -> Result<usize, Errno>,
) -> Result<Xattrs, Errno> {
    let names = match read_growing(&list) {
        Ok(names) => names,
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(Xattrs::default()),
        Err(e) => return Err(e),
    };
    let mut pairs = Vec::new();
    for name in names.split(|&b| b == 0).filter(|name| !name.is_empty()) {
        let name = CString::new(name).map_err(|_| Errno::INVAL)?;
        match read_growing(&|buffer: &mut [u8]| get(&name, buffer)) {
            Ok(value) => pairs.push((name.into_bytes(), value)),
            // Removed between the two calls.
            Err(Errno::NODATA) => {}
            Err(e) => return Err(e),
        }
    }
    Xattrs::new(pairs).map_err(|_| Errno::INVAL)
}

/// Calls `fill` with growing buffers until the answer fits. Most files have no or one short attribute, so the first
/// buffer stands on the stack.
fn read_growing(fill: &impl Fn(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    let mut small = [0; 512];
    match fill(&mut small) {
        Ok(length) => return Ok(small.get(..length).unwrap_or_default().to_vec()),
        Err(Errno::RANGE) => {}
        Err(e) => return Err(e),
    }
    let mut buffer = vec![0; 64 * 1024];
    match fill(&mut buffer) {
        Ok(length) => {
            buffer.truncate(length);
            Ok(buffer)
        }
        Err(e) => Err(e),
    }
}

/// One xattr of an open file, if it has it.
pub fn get_fd(fd: BorrowedFd<'_>, name: &str) -> Result<Option<Vec<u8>>, Errno> {
    match read_growing(&|buffer: &mut [u8]| rustix::fs::fgetxattr(fd, name, buffer)) {
        Ok(value) => Ok(Some(value)),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(e) => Err(e),
    }
}

/// One xattr of the file or symlink at `path`, if it has it; a symlink is not followed.
pub fn get_path(path: &Path, name: &str) -> Result<Option<Vec<u8>>, Errno> {
    match read_growing(&|buffer: &mut [u8]| rustix::fs::lgetxattr(path, name, buffer)) {
        Ok(value) => Ok(Some(value)),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Sets every one of `xattrs` on an open file.
pub fn write_fd(fd: BorrowedFd<'_>, xattrs: &Xattrs) -> Result<(), Errno> {
    xattrs.iter().try_for_each(|(name, value)| {
        let name = CString::new(name).map_err(|_| Errno::INVAL)?;
        rustix::fs::fsetxattr(fd, &name, value, XattrFlags::empty())
    })
}

/// Sets every one of `xattrs` on the file or symlink at `path`; a symlink is not followed.
pub fn write_path(path: &Path, xattrs: &Xattrs) -> Result<(), Errno> {
    xattrs.iter().try_for_each(|(name, value)| {
        let name = CString::new(name).map_err(|_| Errno::INVAL)?;
        rustix::fs::lsetxattr(path, &name, value, XattrFlags::empty())
    })
}
