//! Any image as one that encapsulates a commit: pulled, merged, and the merged tree committed and wrapped.

use std::collections::BTreeMap;

use oci_image::config::ImageConfig;
use oci_image::platform::Platform;
use oci_image::{ImageReference, ImageSink, ImageSource, Manifest};
use ostree_core::metadata::{self, Metadata, RawVariant};
use ostree_core::{Commit, CommitId, ObjectKind, ReadObject, RefName, Refspec, StoreError, WriteObject, walk};
use ostree_repo::Repo;

use crate::encapsulate::{EncapsulateOptions, Encapsulated, encapsulate};
use crate::error::ContainerError;
use crate::keys::{BOOTABLE_LABEL, BOOTC_LABEL, COMMIT_LABEL, FINAL_DIFFID_LABEL, LINUX_LABEL, VERSION_LABEL};
use crate::layered::{self, Prepared, PullOptions};
use crate::progress::Listener;
use crate::shape::Shape;
use crate::stages::Stages;
use crate::stored::StoredImage;

/// Labels that say of which commit an image was made. The new image has others.
const OF_COMMIT: [&str; 5] = [COMMIT_LABEL, FINAL_DIFFID_LABEL, BOOTABLE_LABEL, BOOTC_LABEL, LINUX_LABEL];
/// Where kernels are.
const MODULES: &str = "usr/lib/modules";

/// How an image is converted.
#[derive(Default)]
pub struct ConvertOptions<'a> {
    /// How the source is pulled.
    pub pull: PullOptions<'a>,
    /// What the new image is like. Its container configuration, platform and time are the source's where nothing is set.
    pub image: EncapsulateOptions,
    /// A ref that is to name the new commit.
    pub write_ref: Option<RefName>,
}

/// A converted image.
#[derive(Debug)]
pub struct Converted {
    /// The commit in the new image.
    pub commit: CommitId,
    /// The new image.
    pub image: Encapsulated,
    /// How many entries of the source were left out, by name.
    pub filtered: BTreeMap<String, u64>,
}

/// Pulls `image` into `repo`, where it stays, and writes an image of a commit with its tree. An image that encapsulates a
/// commit, and nothing else, keeps its commit; else the commit depends on the source image alone.
///
/// # Errors
/// Those of pulling, of the repository, and of the sink.
pub fn convert(
    (source, image): (&dyn ImageSource, &ImageReference),
    repo: &Repo,
    sink: &dyn ImageSink,
    options: ConvertOptions<'_>,
    listener: &dyn Listener,
) -> Result<Converted, ContainerError> {
    let ConvertOptions { pull, image: mut wrap, write_ref } = options;
    let wanted = wrap.platform.clone().unwrap_or_else(Platform::host);
    let mut filtered = BTreeMap::new();
    // How long the new layers are is not known before the tree is there.
    let stages = Stages::new(listener, "converting", (0, 0));
    let (merged, manifest, config) = match layered::prepare(source, image, repo, &wanted, &mut |_| ())? {
        Prepared::Unchanged(stored) => {
            let StoredImage { commit, manifest, config, .. } = *stored;
            (commit, manifest, config.unwrap_or_default())
        }
        Prepared::Pull(plan) => {
            let pulled = layered::import(&plan, &pull, &stages)?;
            filtered = layered::by_name(pulled.filtered.values());
            (pulled.commit, plan.info.manifest.clone(), plan.info.config.clone())
        }
    };
    let commit = commit(repo, &merged, (&manifest, &config), write_ref)?;
    carry_over(&mut wrap, config);
    stages.last();
    let image = encapsulate(repo, &commit, sink, &wrap, &stages)?;
    Ok(Converted { commit, image, filtered })
}

/// What the new image takes over from the source's configuration.
fn carry_over(wrap: &mut EncapsulateOptions, config: ImageConfig) {
    if wrap.platform.is_none() && !config.architecture.is_empty() {
        wrap.platform = Some(config.platform());
    }
    if wrap.created.is_none() {
        wrap.created = config.created.filter(|text| text.parse::<jiff::Timestamp>().is_ok());
    }
    if wrap.config.is_none() {
        let mut container = config.config.unwrap_or_default();
        for key in OF_COMMIT {
            container.labels.remove(key);
        }
        wrap.config = Some(container);
    }
}

/// The commit to be wrapped.
fn commit(
    repo: &Repo,
    merged: &CommitId,
    (manifest, config): (&Manifest, &ImageConfig),
    write_ref: Option<RefName>,
) -> Result<CommitId, ContainerError> {
    let object = walk::load_commit(repo, merged)?;
    let transaction = repo.transaction(ostree_repo::TransactionOptions::default())?;
    let id = match object.parent {
        // The merged tree is the commit's.
        Some(base) if Shape::of(manifest, config)?.derived.is_empty() => base,
        _ => {
            let commit = Commit { metadata: metadata_of(repo, &object, config)?, parent: None, ..object };
            CommitId::new(transaction.write_metadata(ObjectKind::Commit, &commit.encode(), None)?)
        }
    };
    if let Some(name) = write_ref {
        transaction.set_ref(Refspec::local(name), Some(id));
    }
    transaction.commit()?;
    Ok(id)
}

/// The version, and whether there is a kernel to be booted.
fn metadata_of(store: &dyn ReadObject, merged: &Commit, config: &ImageConfig) -> Result<Metadata, StoreError> {
    let mut values = BTreeMap::new();
    if let Some(version) = config.label(VERSION_LABEL).or_else(|| config.label(metadata::VERSION)) {
        values.insert(metadata::VERSION, RawVariant::string(version));
    }
    if let Some(release) = kernel(store, merged)? {
        values.insert(metadata::BOOTABLE, RawVariant::boolean(true));
        values.insert(metadata::LINUX, RawVariant::string(&release));
    }
    Ok(values.into_iter().collect())
}

/// The release of the kernel, if there is exactly one.
fn kernel(store: &dyn ReadObject, commit: &Commit) -> Result<Option<String>, StoreError> {
    let mut tree = walk::load_dirtree(store, &commit.root_tree)?;
    for name in MODULES.split('/') {
        let Some(dir) = tree.dir(name) else { return Ok(None) };
        tree = walk::load_dirtree(store, &dir.tree)?;
    }
    let mut found = None;
    for release in tree.dirs() {
        if walk::load_dirtree(store, &release.tree)?.file("vmlinuz").is_some()
            && found.replace(release.name.to_string()).is_some()
        {
            return Ok(None);
        }
    }
    Ok(found)
}
