//! An object that is being written: a file without a name where the system has such, else one with a temporary name.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ostree_core::{ObjectKind, ObjectName};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::error::RepoError;
use crate::fs::Dir;
use crate::layout::loose_path;
use crate::loose::write::Target;

/// Distinguishes the temporary names of this process.
static SERIAL: AtomicU64 = AtomicU64::new(0);

fn temporary_name() -> String {
    static PROCESS: LazyLock<u32> = LazyLock::new(std::process::id);
    format!("tmpobj.{}.{}", *PROCESS, SERIAL.fetch_add(1, Ordering::Relaxed))
}

/// How a file that was created without a name gets one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkWay {
    /// By its descriptor, which before Linux 6.10 takes a capability.
    Descriptor,
    /// By its descriptor's path in `/proc`.
    Proc,
}

impl LinkWay {
    /// The way that works in `dir`, if one does.
    pub fn find(dir: &Dir) -> Option<Self> {
        let file = unnamed(dir).ok()?;
        let name = temporary_name();
        let way = [Self::Descriptor, Self::Proc].into_iter().find(|way| way.link(&file, dir, &name).is_ok())?;
        // A name that stays is one of those that the cleanup of `tmp` finds.
        let _ = dir.remove_file(&name);
        Some(way)
    }

    fn link(self, file: &File, dir: &Dir, name: &str) -> Result<(), Errno> {
        match self {
            Self::Descriptor => rustix::fs::linkat(file, "", dir, name, AtFlags::EMPTY_PATH),
            Self::Proc => {
                let path = format!("/proc/self/fd/{}", file.as_raw_fd());
                rustix::fs::linkat(CWD, path, dir, name, AtFlags::SYMLINK_FOLLOW)
            }
        }
    }
}

fn unnamed(dir: &Dir) -> Result<File, Errno> {
    let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
    rustix::fs::openat(dir, ".", flags, Mode::from_raw_mode(0o644)).map(File::from)
}

/// An object without its name. Dropping it leaves nothing behind.
pub struct Draft<'a> {
    dir: &'a Dir,
    /// The temporary name, unless it has none at all.
    name: Option<String>,
    way: Option<LinkWay>,
}

impl<'a> Draft<'a> {
    /// A new empty file for an object of this kind.
    pub fn file(target: &Target<'a>, kind: ObjectKind) -> Result<(Self, File), RepoError> {
        let dir = target.temporary;
        // A link cannot take the place of another file, as detached metadata does.
        if let Some(way) = target.unnamed.filter(|_| kind != ObjectKind::CommitMeta) {
            let file = unnamed(dir).map_err(|e| dir.fail("creating a file in", "", e))?;
            return Ok((Self { dir, name: None, way: Some(way) }, file));
        }
        let name = temporary_name();
        let file = dir.create_file(&name, 0o644)?;
        Ok((Self { dir, name: Some(name), way: None }, file))
    }

    /// A new symlink, and its temporary name.
    pub fn symlink(target: &Target<'a>, to: &str) -> Result<(Self, String), RepoError> {
        let (dir, name) = (target.temporary, temporary_name());
        rustix::fs::symlinkat(to, dir, &name).map_err(|e| dir.fail("creating symlink", &name, e))?;
        Ok((Self { dir, name: Some(name.clone()), way: None }, name))
    }

    /// The error of an operation on the object.
    pub fn fail(&self, action: &'static str, error: Errno) -> RepoError {
        self.dir.fail(action, self.name.as_deref().unwrap_or_default(), error)
    }

    /// Where it is, for messages.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join(self.name.as_deref().unwrap_or_default())
    }

    /// Gives the object its name, and tells whether it is new: if there is one already, that one stays, except for detached
    /// metadata. `file` is the one that [`Draft::file`] gave.
    pub fn publish(mut self, target: &Target<'_>, name: &ObjectName, file: Option<&File>) -> Result<bool, RepoError> {
        let path = loose_path(name, target.config.mode);
        let flags = match name.kind {
            ObjectKind::CommitMeta => RenameFlags::empty(),
            _ => RenameFlags::NOREPLACE,
        };
        let publish = || match (&self.name, self.way, file) {
            (None, Some(way), Some(file)) => way.link(file, target.objects, &path),
            (temporary, ..) => {
                let temporary = temporary.as_deref().unwrap_or_default();
                rustix::fs::renameat_with(self.dir, temporary, target.objects, &path, flags)
            }
        };
        let published = match publish() {
            Err(Errno::NOENT) => {
                target.objects.ensure_dir(path.get(..2).unwrap_or_default(), 0o777)?;
                publish()
            }
            other => other,
        };
        match published {
            Ok(()) => {
                self.name = None;
                Ok(true)
            }
            Err(Errno::EXIST) => Ok(false),
            Err(e) => Err(target.objects.fail("writing object", &path, e)),
        }
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // Nothing more can be done here; the cleanup of `tmp` finds it after its time.
            let _ = self.dir.remove_file(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;

    use ostree_core::Checksum;

    use super::*;
    use crate::config::Config;

    #[test]
    fn with_and_without_a_temporary_name_the_first_object_stays_and_nothing_else_does() {
        let temporary = tempfile::tempdir().unwrap();
        let tmp = Dir::open(temporary.path()).unwrap();
        for (number, unnamed) in [None, LinkWay::find(&tmp)].into_iter().enumerate() {
            let place = tempfile::tempdir().unwrap();
            let objects = Dir::open(place.path()).unwrap();
            let config = Config::parse("[core]\nrepo_version=1\nmode=archive-z2\n", Path::new("config")).unwrap();
            let target = Target { objects: &objects, temporary: &tmp, unnamed, config: &config, sync_each: false };
            let object = ObjectName::new(ObjectKind::DirTree, Checksum::new([7; 32]));
            for (text, new) in [("first", true), ("second", false)] {
                let (draft, mut file) = Draft::file(&target, object.kind).unwrap();
                file.write_all(text.as_bytes()).unwrap();
                assert_eq!(draft.publish(&target, &object, Some(&file)).unwrap(), new, "way {number}");
            }
            drop(Draft::file(&target, object.kind).unwrap());
            let path = place.path().join(loose_path(&object, config.mode));
            assert_eq!(std::fs::read_to_string(path).unwrap(), "first");
            assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
        }
    }
}
