//! Putting one new entry into a directory, as the union mode wants it.

use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;

use crate::checkout::job::Job;
use crate::checkout::options::UnionMode;
use crate::error::RepoError;
use crate::fs::Dir;

/// Where an entry is to be made.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub dir: &'a Dir,
    pub name: &'a str,
    /// Whether this checkout made the directory, so that nobody else can have put anything in it.
    pub fresh: bool,
}

impl Place<'_> {
    /// An error about this entry.
    pub fn fail(&self, action: &'static str, error: Errno) -> RepoError {
        self.dir.fail(action, self.name, error)
    }

    /// What is there already; `None` for nothing. Symlinks are not followed.
    pub fn existing(&self) -> Result<Option<rustix::fs::Stat>, RepoError> {
        match rustix::fs::statat(self.dir, self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(self.fail("querying", e)),
        }
    }

    /// Makes the entry: `create` gets the directory and the name to use there. In a directory that may hold something
    /// already this is a temporary name, and the finished entry takes its own name in one step. `false` says that what
    /// was there stays.
    pub fn make(
        &self,
        job: &Job<'_>,
        create: impl FnOnce(&Dir, &str) -> Result<(), RepoError>,
    ) -> Result<bool, RepoError> {
        if self.fresh {
            let mut guard = Leftover { dir: self.dir, name: self.name, armed: false };
            // An entry that is there in spite of all is not ours to remove.
            guard.armed = self.existing_is_ours(job)?;
            create(self.dir, self.name)?;
            guard.armed = false;
            return Ok(true);
        }
        let temporary = job.temporary_name();
        let mut guard = Leftover { dir: self.dir, name: &temporary, armed: true };
        create(self.dir, &temporary)?;
        let made = self.publish(job, &temporary)?;
        // Renaming one of two links to a file over the other does nothing, so in that case the temporary one is still there.
        guard.armed = !made || job.options.union == UnionMode::Replace;
        Ok(made)
    }

    fn existing_is_ours(&self, job: &Job<'_>) -> Result<bool, RepoError> {
        // Names are unique in a tree; only a passed-through whiteout can meet a file of its target's name.
        match job.options.passthrough_whiteouts {
            true => Ok(self.existing()?.is_none()),
            false => Ok(true),
        }
    }

    fn publish(&self, job: &Job<'_>, temporary: &str) -> Result<bool, RepoError> {
        let rename = |flags| rustix::fs::renameat_with(self.dir, temporary, self.dir, self.name, flags);
        if job.options.union == UnionMode::Replace {
            let result = match rename(RenameFlags::empty()) {
                Err(Errno::ISDIR) if job.options.whiteouts => {
                    self.dir.remove_all(self.name)?;
                    rename(RenameFlags::empty())
                }
                other => other,
            };
            return result.map(|()| true).map_err(|e| self.fail("replacing", e));
        }
        let result = match rename(RenameFlags::NOREPLACE) {
            // Not every file system can do that in one step.
            Err(Errno::INVAL | Errno::NOSYS) => match self.existing()? {
                Some(_) => Err(Errno::EXIST),
                None => rename(RenameFlags::empty()),
            },
            other => other,
        };
        match result {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) if job.options.union == UnionMode::Add => Ok(false),
            Err(e) => Err(self.fail("creating", e)),
        }
    }
}

/// Removes an unfinished entry.
struct Leftover<'a> {
    dir: &'a Dir,
    name: &'a str,
    armed: bool,
}

impl Drop for Leftover<'_> {
    fn drop(&mut self) {
        if self.armed {
            // The error that led here is the one to report.
            let _ = self.dir.remove_file(self.name);
        }
    }
}
