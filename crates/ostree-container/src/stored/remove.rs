//! Removing images by name.

use std::collections::BTreeSet;

use oci_image::ImageReference;
use ostree_core::RefName;
use ostree_repo::refs::{self, RefTarget};
use ostree_repo::{LockKind, Repo, RepoError};

use crate::error::ContainerError;
use crate::refs::image_ref;
use crate::stored::gc::{GcOptions, GcStats, collect, freed_without};
use crate::stored::image::whole;

/// How images are removed.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoveOptions {
    /// Leave the refs of the layers alone.
    pub skip_gc: bool,
    /// Change nothing, only tell.
    pub dry_run: bool,
}

/// What was removed, or with `dry_run` would have been.
#[derive(Debug, Clone, Default)]
pub struct Removed {
    /// The images, each once.
    pub images: Vec<ImageReference>,
    /// Those that were asked for and are not there.
    pub missing: Vec<ImageReference>,
    /// What became of the layers; not looked at where an image is missing, as in the original.
    pub gc: GcStats,
    /// With `dry_run`, how many objects no ref would reach any more, and their bytes in the repository.
    pub freed: Option<(u64, u64)>,
}

/// Removes images and then the refs of the layers that no other image has. Objects stay until somebody prunes. An image
/// whose ref is damaged can be removed too.
///
/// # Errors
/// Those of the repository. Images that are not there are no error here, see [`Removed::missing`].
pub fn remove(repo: &Repo, images: &[ImageReference], options: RemoveOptions) -> Result<Removed, ContainerError> {
    let mut removed = Removed::default();
    let mut names = BTreeSet::new();
    {
        let _lock = if options.dry_run { None } else { Some(repo.lock(LockKind::Shared)?) };
        for image in images {
            let name = image_ref(image)?;
            if names.contains(&name) {
                continue;
            }
            if !is_there(repo, &name)? {
                removed.missing.push(image.clone());
                continue;
            }
            if !options.dry_run {
                refs::delete(repo, &RefTarget::Local(name.clone()))?;
            }
            names.insert(name);
            removed.images.push(image.clone());
        }
    }
    if !options.skip_gc && removed.missing.is_empty() {
        let options = GcOptions { dry_run: options.dry_run, without_images: names.clone(), ..GcOptions::default() };
        removed.gc = match collect(repo, &options) {
            // Somebody is at work for long; the images are gone all the same, and the next collection takes the rest.
            Err(ContainerError::Repo(problem @ RepoError::Lock { .. })) => {
                let problems = vec![format!("unused layers are left for the next time: {}", whole(&problem))];
                GcStats { problems, ..GcStats::default() }
            }
            other => other?,
        };
    }
    if options.dry_run {
        names.extend(removed.gc.layers.iter().cloned());
        removed.freed = Some(freed_without(repo, names)?);
    }
    Ok(removed)
}

/// Whether there is such a ref, be it damaged.
fn is_there(repo: &Repo, name: &RefName) -> Result<bool, RepoError> {
    match refs::read(repo, &RefTarget::Local(name.clone())) {
        Ok(found) => Ok(found.is_some()),
        Err(problem @ RepoError::Io { .. }) => Err(problem),
        Err(_) => Ok(true),
    }
}
