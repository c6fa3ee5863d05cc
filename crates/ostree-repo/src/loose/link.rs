//! Objects as hard links to files of other repositories.

use rustix::fs::AtFlags;
use rustix::io::Errno;

use ostree_core::ObjectName;

use crate::error::RepoError;
use crate::fs::Dir;
use crate::layout::loose_path;
use crate::loose::target::Target;

/// What became of the wish for a hard link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkOutcome {
    /// The object is a link now.
    Linked,
    /// There is such an object already.
    Exists,
    /// The file system allows no link here, or there is nothing to link to.
    Impossible,
}

/// Makes an object a hard link to the file `path` in `from`.
pub fn link(target: &Target<'_>, from: &Dir, path: &str, name: &ObjectName) -> Result<LinkOutcome, RepoError> {
    let to = loose_path(name, target.config.mode);
    let link = || rustix::fs::linkat(from, path, target.objects, &to, AtFlags::empty());
    // Not there may be either side.
    match target.name(&to, link)? {
        Ok(()) => Ok(LinkOutcome::Linked),
        Err(Errno::EXIST) => Ok(LinkOutcome::Exists),
        Err(Errno::NOENT | Errno::MLINK | Errno::XDEV | Errno::PERM | Errno::OPNOTSUPP | Errno::ACCESS) => {
            Ok(LinkOutcome::Impossible)
        }
        Err(e) => Err(target.objects.fail("linking object", &to, e)),
    }
}
