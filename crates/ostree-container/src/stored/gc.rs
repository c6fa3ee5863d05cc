//! Garbage collection: the refs of layers that no image needs any more, and then the objects that no ref reaches.

use std::collections::BTreeSet;
use std::time::Duration;

use oci_image::Digest;
use ostree_core::walk::load_commit;
use ostree_core::{CommitId, RefName, Refspec};
use ostree_repo::prune::{PruneOptions, PruneStats, prune};
use ostree_repo::refs::{self, LocalRef, RefTarget, list_prefix};
use ostree_repo::{LockKind, Repo};

use crate::error::ContainerError;
use crate::keys::{BASE_IMAGE_REFS, BLOB_REFS, IMAGE_REFS};
use crate::refs::parse_blob_ref;
use crate::stored::deployments;
use crate::stored::documents::{self, is_image};
use crate::stored::image::whole;
use crate::stored::list::prefix;

/// Where commits stand that may be images without being named as such: deployments, and what other programs keep.
const FURTHER_ROOTS: [&str; 4] = ["ostree/0", "ostree/1", "rpmostree/base", BASE_IMAGE_REFS];

/// What a collection is to do.
#[derive(Debug, Clone, Default)]
pub struct GcOptions {
    /// Change nothing, only tell.
    pub dry_run: bool,
    /// Delete the objects, too, that no ref and no deployment reaches.
    pub prune: bool,
    /// How long to wait for others that work on the repository; as its configuration says where `None`.
    pub patience: Option<Duration>,
    /// Image refs that count as if they were not there.
    pub without_images: BTreeSet<RefName>,
}

/// What a collection did, or with `dry_run` would have done.
#[derive(Debug, Clone, Default)]
pub struct GcStats {
    /// The refs of layers that went away.
    pub layers: Vec<RefName>,
    /// The objects that went away, where that was asked for.
    pub pruned: Option<PruneStats>,
    /// What could not be read. Where a layer might belong to such an image, no layer's ref was deleted.
    pub problems: Vec<String>,
}

/// Deletes the refs of layers that neither a stored image, nor a deployment, nor any commit below the refs of either needs.
///
/// The repository is locked against all writers meanwhile. The caller must therefore have no transaction open; one that
/// another process has open is waited for, as nobody can know what it is about to name.
///
/// # Errors
/// Those of listing refs and of locking. An image that cannot be read is no error, but then every layer's ref stays.
pub fn collect(repo: &Repo, options: &GcOptions) -> Result<GcStats, ContainerError> {
    let mut stats = GcStats::default();
    if options.dry_run {
        (stats.layers, stats.problems) = unneeded(repo, &options.without_images)?;
    } else {
        repo.check_writable()?;
        let _lock = match options.patience {
            Some(patience) => repo.lock_within(LockKind::Exclusive, Some(patience))?,
            None => repo.lock(LockKind::Exclusive)?,
        };
        (stats.layers, stats.problems) = unneeded(repo, &options.without_images)?;
        for name in &stats.layers {
            refs::delete(repo, &RefTarget::Local(name.clone()))?;
        }
    }
    if options.prune {
        let gone = stats.layers.iter().chain(&options.without_images);
        let gone = if options.dry_run { gone.cloned().collect() } else { BTreeSet::new() };
        stats.pruned = Some(prune(repo, &prune_options(repo, gone, options.dry_run)?)?);
    }
    Ok(stats)
}

/// How many objects, and how many bytes in the repository, no ref would reach any more if `names` were not there: what is
/// unreachable already does not count.
///
/// # Errors
/// Those of walking through all commits.
pub fn freed_without(repo: &Repo, names: BTreeSet<RefName>) -> Result<(u64, u64), ContainerError> {
    let before = prune(repo, &prune_options(repo, BTreeSet::new(), true)?)?;
    let after = prune(repo, &prune_options(repo, names, true)?)?;
    Ok((after.deleted.saturating_sub(before.deleted), after.freed.saturating_sub(before.freed)))
}

fn prune_options(repo: &Repo, without: BTreeSet<RefName>, dry_run: bool) -> Result<PruneOptions, ContainerError> {
    Ok(PruneOptions {
        refs_only: true,
        depth: Some(0),
        dry_run,
        also_keep: deployments::of_repo(repo)?.into_iter().map(|deployment| deployment.commit).collect(),
        without_refs: without.into_iter().map(Refspec::local).collect(),
        ..PruneOptions::default()
    })
}

/// The refs of layers that nothing needs, and what could not be read.
fn unneeded(repo: &Repo, without_images: &BTreeSet<RefName>) -> Result<(Vec<RefName>, Vec<String>), ContainerError> {
    let needed = Needed::of(repo, without_images)?;
    let mut problems = needed.problems;
    let mut names = Vec::new();
    for LocalRef { name, .. } in list_prefix(repo, &prefix(BLOB_REFS))? {
        match parse_blob_ref(&name) {
            Ok(digest) if needed.layers.contains(&digest) => {}
            Ok(_) => names.push(name),
            Err(problem) => problems.push(problem.to_string()),
        }
    }
    if needed.unknown && !names.is_empty() {
        problems.push(format!("{} unreferenced layers are kept, since an image cannot be read", names.len()));
        names.clear();
    }
    Ok((names, problems))
}

/// The layers that images need.
#[derive(Default)]
struct Needed {
    layers: BTreeSet<Digest>,
    /// Whether there is an image whose layers are not known.
    unknown: bool,
    problems: Vec<String>,
}

impl Needed {
    fn of(repo: &Repo, without_images: &BTreeSet<RefName>) -> Result<Self, ContainerError> {
        let mut needed = Self::default();
        for LocalRef { name, commit } in list_prefix(repo, &prefix(IMAGE_REFS))? {
            if !without_images.contains(&name) {
                let layers = commit.map_err(ContainerError::from).and_then(|commit| layers(repo, &commit, true));
                needed.add(name.as_str(), layers);
            }
        }
        for root in FURTHER_ROOTS {
            for LocalRef { name, commit } in list_prefix(repo, &prefix(root))? {
                let layers = commit.map_err(ContainerError::from).and_then(|commit| layers(repo, &commit, false));
                needed.add(name.as_str(), layers);
            }
        }
        for deployment in deployments::of_repo(repo)? {
            needed.add(&deployment.origin.to_string_lossy(), layers(repo, &deployment.commit, false));
        }
        Ok(needed)
    }

    fn add(&mut self, name: &str, layers: Result<Vec<Digest>, ContainerError>) {
        match layers {
            Ok(layers) => self.layers.extend(layers),
            Err(problem) => {
                self.unknown = true;
                self.problems.push(format!("{name}: {}", whole(&problem)));
            }
        }
    }
}

/// The layers of the image that a commit is; a commit of no image has none, unless it must be one.
fn layers(repo: &Repo, commit: &CommitId, must_be_image: bool) -> Result<Vec<Digest>, ContainerError> {
    let object = load_commit(repo, commit)?;
    if !must_be_image && !is_image(&object.metadata) {
        return Ok(Vec::new());
    }
    let manifest = documents::read(commit, &object.metadata)?.manifest;
    Ok(manifest.layers.into_iter().map(|layer| layer.digest).collect())
}
