//! Removing the images that no deployment follows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use oci_image::ImageReference;
use ostree_core::RefName;
use ostree_repo::refs::{self, RefTarget};
use ostree_repo::{LockKind, Repo};
use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::error::ContainerError;
use crate::stored::deployments;
use crate::stored::gc::{GcOptions, GcStats, collect, freed_without};
use crate::stored::list::entries;

/// How often a busy lock is tried again.
const RETRY_EVERY: Duration = Duration::from_millis(100);

/// What goes besides images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extent {
    /// Nothing.
    #[default]
    Images,
    /// The refs of layers that no image needs.
    Layers,
    /// Those, and the objects that nothing reaches.
    Objects,
}

/// What was removed, or with `dry_run` would have been.
#[derive(Debug, Clone, Default)]
pub struct PrunedImages {
    /// The images.
    pub images: Vec<ImageReference>,
    /// The layers and objects, as far as they were asked for.
    pub gc: GcStats,
    /// With `dry_run`, how many objects no ref would reach any more, and their bytes in the repository; what is unreachable
    /// already does not count.
    pub freed: Option<(u64, u64)>,
}

/// Removes from the repository of `sysroot` every image that no deployment's origin names.
///
/// # Errors
/// [`ContainerError::Request`] where an origin cannot be read, since nobody can tell which image it names; nothing is
/// removed then. Those of the repository and of locking the system root.
pub fn prune_images(sysroot: &Path, extent: Extent, dry_run: bool) -> Result<PrunedImages, ContainerError> {
    let repo = Repo::open(&deployments::repo_path(sysroot))?;
    let _lock = if dry_run { None } else { Some(lock_sysroot(sysroot)?) };
    let images = unfollowed(&repo)?;
    if !dry_run {
        let _lock = repo.lock(LockKind::Shared)?;
        for name in images.keys() {
            refs::delete(&repo, &RefTarget::Local(name.clone()))?;
        }
    }
    let mut names: BTreeSet<RefName> = images.keys().cloned().collect();
    let gc = match extent {
        Extent::Images => GcStats::default(),
        // As in the original, nothing more is looked for then.
        Extent::Layers if images.is_empty() => GcStats::default(),
        Extent::Layers | Extent::Objects => {
            let prune = extent == Extent::Objects;
            collect(&repo, &GcOptions { dry_run, prune, without_images: names.clone(), ..GcOptions::default() })?
        }
    };
    let freed = match dry_run {
        true => {
            names.extend(gc.layers.iter().cloned());
            Some(freed_without(&repo, names)?)
        }
        false => None,
    };
    Ok(PrunedImages { images: images.into_values().collect(), gc, freed })
}

/// The images that no deployment names, by ref. A ref whose name stands for no image stays.
fn unfollowed(repo: &Repo) -> Result<BTreeMap<RefName, ImageReference>, ContainerError> {
    let mut followed = BTreeSet::new();
    for deployment in deployments::of_repo(repo)? {
        match deployment.image {
            Ok(image) => followed.extend(image),
            Err(reason) => {
                let origin = deployment.origin.display();
                let message = format!("no image is removed, since origin {origin} cannot be read: {reason}");
                return Err(ContainerError::Request(message));
            }
        }
    }
    let all = entries(repo)?.into_iter().filter_map(|entry| Some((entry.name, entry.image.ok()?)));
    Ok(all.filter(|(_, image)| !followed.contains(image)).collect())
}

/// Takes the lock that everybody takes who changes deployments, waiting for it without end. It is released when the file
/// is closed.
fn lock_sysroot(sysroot: &Path) -> Result<File, ContainerError> {
    let path = sysroot.join("ostree/lock");
    let fail = |action, source| ContainerError::Io { action, path: path.clone(), source };
    loop {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(|e| fail("opening", e))?;
        match rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            // libostree deletes the file when it lets go of it; a lock on a deleted one holds nobody off.
            Ok(()) if file.metadata().map_err(|e| fail("querying", e))?.nlink() > 0 => return Ok(file),
            Ok(()) => {}
            Err(Errno::AGAIN | Errno::ACCESS) => std::thread::sleep(RETRY_EVERY),
            Err(e) => return Err(fail("locking", e.into())),
        }
    }
}
