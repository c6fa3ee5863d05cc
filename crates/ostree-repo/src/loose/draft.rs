//! An object that is being written: a file without a name where the system has such, else one with a temporary name.

use std::fs::File;
use std::path::PathBuf;

use ostree_core::{ObjectKind, ObjectName};
use rustix::fs::RenameFlags;
use rustix::io::Errno;

use crate::error::RepoError;
use crate::fs::Dir;
use crate::layout::loose_path;
use crate::loose::target::Target;
use crate::loose::unnamed::{LinkWay, temporary_name, unnamed};

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
        match target.name(&path, publish)? {
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
