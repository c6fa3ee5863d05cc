//! Where objects are written, and how they get their names there.

use rustix::io::Errno;

use crate::config::Config;
use crate::error::RepoError;
use crate::fs::Dir;
use crate::loose::unnamed::LinkWay;

/// Where objects are written.
pub struct Target<'a> {
    /// A directory laid out as `objects/`: the staging directory, or `objects/` itself.
    pub objects: &'a Dir,
    /// Where temporary names are made, on the same file system.
    pub temporary: &'a Dir,
    /// How files without a name get one there, if they can.
    pub unnamed: Option<LinkWay>,
    /// The configuration of the repository.
    pub config: &'a Config,
    /// Whether each object is synced by itself.
    pub sync_each: bool,
}

impl Target<'_> {
    /// Lets `publish` give an object its name, `path`, and again if its directory has to be made first.
    pub fn name(&self, path: &str, publish: impl Fn() -> Result<(), Errno>) -> Result<Result<(), Errno>, RepoError> {
        match publish() {
            Err(Errno::NOENT) => {
                self.objects.ensure_dir(path.get(..2).unwrap_or_default(), 0o777)?;
                Ok(publish())
            }
            other => Ok(other),
        }
    }
}
