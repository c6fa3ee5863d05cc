//! Turning one file of a directory into a file object.

use std::os::fd::AsFd;

use ostree_core::{FileHeader, FileId, Owner, ReadObject, WriteObject, Xattrs};
use rustix::fs::{FileType, Stat};

use crate::commit::devino::{DevInoCache, Trust};
use crate::commit::modifier::{Modifier, Verdict};
use crate::error::RepoError;
use crate::fs::{Dir, xattr};
use crate::transaction::Transaction;

/// A regular file or symlink found in a directory.
pub struct Found<'a> {
    /// The directory it is in.
    pub dir: &'a Dir,
    /// Its name there.
    pub name: &'a str,
    /// Its path in the tree.
    pub path: &'a str,
    /// What the file system says of it.
    pub stat: Stat,
}

impl Found<'_> {
    fn fail(&self, action: &'static str, e: rustix::io::Errno) -> RepoError {
        self.dir.fail(action, self.name, e)
    }

    fn is_symlink(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode).is_symlink()
    }
}

/// The file object of `found`, written if it is not there; `None` if the modifier leaves it out.
pub fn add(
    transaction: &Transaction<'_>,
    found: &Found<'_>,
    modifier: &Modifier,
    devino: Option<&DevInoCache>,
) -> Result<Option<FileId>, RepoError> {
    if let Some((cache, id)) = devino.and_then(|cache| Some((cache, cache.lookup(&found.stat)?))) {
        return add_known(transaction, found, modifier, (id, cache.trust));
    }
    let owner = Owner { uid: found.stat.st_uid, gid: found.stat.st_gid };
    let Verdict::Keep { owner, mode } = modifier.apply(found.path, owner, found.stat.st_mode) else {
        return Ok(None);
    };
    match found.is_symlink() {
        true => add_symlink(transaction, found, modifier, (owner, mode)),
        false => add_regular(transaction, found, modifier, (owner, mode)),
    }
    .map(Some)
}

fn add_symlink(
    transaction: &Transaction<'_>,
    found: &Found<'_>,
    modifier: &Modifier,
    (owner, mode): (Owner, u32),
) -> Result<FileId, RepoError> {
    let target =
        rustix::fs::readlinkat(found.dir, found.name, Vec::new()).map_err(|e| found.fail("reading link", e))?;
    let target = target.into_string().map_err(|_| found.fail("reading link", rustix::io::Errno::ILSEQ))?;
    let xattrs = match modifier.keeps_xattrs() {
        true => {
            xattr::committed_path(&found.dir.path().join(found.name)).map_err(|e| found.fail("reading xattrs of", e))?
        }
        false => Xattrs::default(),
    };
    let xattrs = modifier.xattrs(found.path, mode, xattrs);
    Ok(transaction.write_file(&FileHeader::symlink(owner, target, xattrs), 0, &mut std::io::empty(), None)?)
}

fn add_regular(
    transaction: &Transaction<'_>,
    found: &Found<'_>,
    modifier: &Modifier,
    (owner, mode): (Owner, u32),
) -> Result<FileId, RepoError> {
    let opened = found.dir.open_file(found.name).and_then(|file| file.ok_or(rustix::io::Errno::NOENT));
    let mut file = opened.map_err(|e| found.fail("opening", e))?;
    let xattrs = match modifier.keeps_xattrs() {
        true => xattr::committed_fd(file.as_fd()).map_err(|e| found.fail("reading xattrs of", e))?,
        false => Xattrs::default(),
    };
    let xattrs = modifier.xattrs(found.path, mode, xattrs);
    let header = FileHeader { owner, mode, symlink_target: String::new(), xattrs };
    let size = u64::try_from(found.stat.st_size).unwrap_or_default();
    let written = transaction.write_file(&header, size, &mut file, None);
    written
        .map_err(|e| RepoError::from(e).context(format!("committing {}", found.dir.path().join(found.name).display())))
}

/// A file that is a hardlink to an object: the object itself, unless the modifier changes an attribute of it.
fn add_known(
    transaction: &Transaction<'_>,
    found: &Found<'_>,
    modifier: &Modifier,
    (id, trust): (FileId, Trust),
) -> Result<Option<FileId>, RepoError> {
    if trust == Trust::Everything {
        transaction.count_cache_hit();
        return Ok(Some(id));
    }
    let missing = || RepoError::from(ostree_core::StoreError::Missing { name: id.object() });
    let object = transaction.read_file(&id)?.ok_or_else(missing)?;
    let Verdict::Keep { owner, mode } = modifier.apply(found.path, object.header.owner, object.header.mode) else {
        return Ok(None);
    };
    let xattrs = modifier.xattrs(found.path, mode, object.header.xattrs.clone());
    let header = FileHeader { owner, mode, symlink_target: object.header.symlink_target.clone(), xattrs };
    if header == object.header {
        // The numbers are the original's, which looks at no object where xattrs are left out.
        match modifier.keeps_xattrs() {
            true => transaction.count_cache_hit(),
            false => transaction.count_offered(),
        }
        return Ok(Some(id));
    }
    let mut content = object.content.unwrap_or_else(|| Box::new(std::io::empty()));
    Ok(Some(transaction.write_file(&header, object.size, &mut content, None)?))
}
