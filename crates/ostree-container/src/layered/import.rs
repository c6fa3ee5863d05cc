//! Carrying out a plan: the layers that are missing, then the merge, then the refs.

use std::collections::HashSet;

use oci_image::Digest;
use ostree_core::tree::MutableTree;
use ostree_core::{Commit, CommitId, FileId, RefName, Refspec, walk};
use ostree_repo::{LockKind, Transaction, partial};

use crate::chunk;
use crate::error::ContainerError;
use crate::layered::compose::{merge_all, merge_labelled};
use crate::layered::derived::{self, Derived};
use crate::layered::documents::{self, Merged};
use crate::layered::filtered::refuse_filtered;
use crate::layered::merge::{Merge, put};
use crate::layered::options::{PullOptions, Pulled};
use crate::layered::plan::{Plan, PlannedLayer};
use crate::layered::present::Kept;
use crate::layered::{policy, prepare_root};
use crate::progress::{Event, Listener};
use crate::pull::base::{BaseImport, Held, check_label, check_whole};
use crate::pull::finished::FinishedLayers;
use crate::pull::received::Received;
use crate::pull::settling::{self, Settling};
use crate::refs::{blob_ref, image_ref};

/// The commit that an image encapsulates.
struct Base {
    id: CommitId,
    commit: Commit,
    /// What the refs of its layers stand for.
    layers: Vec<(RefName, CommitId)>,
}

impl Base {
    fn tree(&self) -> MutableTree {
        MutableTree::stored(self.commit.root_tree, self.commit.root_meta)
    }
}

/// Imports what is missing and merges all layers, in one transaction: after an error nothing new is reachable, and layers
/// that were read whole are there for the next try. What cannot fit into the repository by what is known is refused before
/// any layer is asked for.
pub fn import(plan: &Plan<'_>, options: &PullOptions<'_>, listener: &dyn Listener) -> Result<Pulled, ContainerError> {
    let digests = || plan.layers.iter().map(|planned| &planned.layer.descriptor.digest);
    let pulled = import_locked(plan, options, listener).inspect_err(|error| {
        if error.is_of_image() {
            settling::forget(plan.repo, digests());
        }
    })?;
    plan.coming().finish();
    settling::forget(plan.repo, digests());
    listener.event(Event::Done);
    Ok(pulled)
}

fn import_locked(
    plan: &Plan<'_>,
    options: &PullOptions<'_>,
    listener: &dyn Listener,
) -> Result<Pulled, ContainerError> {
    // Nobody is to collect layers while no image names them yet.
    let _lock = plan.repo.lock(LockKind::Shared)?;
    plan.coming().make_room(!options.skip_space_check)?;
    listener.event(Event::Start { task: "importing", bytes: plan.needed_bytes(), layers: plan.needed() });
    let wanted: Vec<_> = plan.missing().map(|(index, layer)| (index, &layer.descriptor)).collect();
    let notes = FinishedLayers::of(plan.repo);
    let known = move |layer: &Digest| notes.knows(layer);
    let source = Received::new(plan.source, listener, &wanted, options.parallel_fetches, known);
    let transaction = plan.repo.transaction(options.transaction)?;
    // Of an image that nobody encapsulated, any layer may bring the policy: then files get labels when all of them are
    // there, and those without would stay in the repository, too.
    let durable = plan.base_layers > 0 || !plan.repo.mode().keeps_xattrs();
    let settling = Settling::new(&transaction, &source, durable);
    let import = Import { plan, options, source: &source, transaction: &transaction, settling: &settling };
    let image = source.run(|| settling.run(|| import.image(listener)))?;
    let _claims = settling.into_claims();
    transaction.commit()?;
    // What was found damaged once is whole again.
    for commit in &image.commits {
        partial::clear(plan.repo, commit)?;
    }
    Ok(image.pulled)
}

/// An image that is written and not committed.
struct Image {
    pulled: Pulled,
    /// All of its commits: the base, its derived layers, and what they were merged to.
    commits: Vec<CommitId>,
}

struct Import<'a> {
    plan: &'a Plan<'a>,
    options: &'a PullOptions<'a>,
    source: &'a Received<'a>,
    transaction: &'a Transaction<'a>,
    settling: &'a Settling<'a>,
}

impl Import<'_> {
    /// Imports what is missing of the image, merges it, and sets the refs.
    fn image(&self, listener: &dyn Listener) -> Result<Image, ContainerError> {
        let base = self.base()?;
        self.derived(base.as_ref(), listener)
    }

    /// Makes sure of the encapsulated commit.
    fn base(&self) -> Result<Option<Base>, ContainerError> {
        let layers = self.plan.layers.get(..self.plan.base_layers).unwrap_or_default();
        if layers.is_empty() {
            return Ok(None);
        }
        let transaction = self.transaction;
        let missing: Vec<_> = layers
            .iter()
            .enumerate()
            .filter(|(_, planned)| planned.kept.is_none())
            .map(|(i, p)| (i, &p.layer))
            .collect();
        let import = BaseImport {
            source: self.source,
            transaction,
            settling: self.settling,
            verify: self.options.verify,
            jobs: self.options.threads(),
        };
        let mut fetched = self.settling.reading(|| import.layers(&missing))?.into_iter();
        let mut chunks: Vec<(&Digest, Vec<FileId>)> = Vec::new();
        let (mut base, mut refs) = (None, Vec::new());
        for planned in layers {
            let digest = &planned.layer.descriptor.digest;
            let held = match &planned.kept {
                Some(Kept::Commit(id)) => Some(Held::Commit(*id)),
                Some(Kept::Chunk(files)) => Some(Held::Files(files.clone())),
                Some(Kept::Derived(..)) | None => fetched.next(),
            };
            let commit = match held {
                Some(Held::Commit(id)) => *base.insert(id),
                Some(Held::Files(files)) => {
                    let commit = chunk::write(transaction, &files)?;
                    chunks.push((digest, files));
                    commit
                }
                None => return Err(ContainerError::Request(format!("layer {digest} was not imported"))),
            };
            refs.push((blob_ref(digest), commit));
        }
        let id = base.ok_or_else(|| ContainerError::Request("the image has no commit layer".into()))?;
        check_label(&self.plan.info.config, id)?;
        if matches!(layers.first(), Some(PlannedLayer { kept: Some(Kept::Commit(_)), .. })) {
            import.verify_stored(&id)?;
        }
        if !missing.is_empty() {
            check_whole(transaction, id, &chunks)?;
        }
        if !missing.is_empty() && layers.len() < self.plan.layers.len() {
            // A derived layer may bring the same object, and not need it.
            let mut own = HashSet::new();
            for (_, commit) in &refs {
                walk::reachable(transaction, commit, false, &mut own)?;
            }
            transaction.retain(own);
        }
        let commit = walk::load_commit(transaction, &id)?;
        Ok(Some(Base { id, commit, layers: refs }))
    }

    /// Imports the derived layers, merges everything and sets the refs.
    fn derived(&self, base: Option<&Base>, listener: &dyn Listener) -> Result<Image, ContainerError> {
        let transaction = self.transaction;
        let labels = self.plan.repo.mode().keeps_xattrs();
        let mut base_tree = base.map(Base::tree);
        let expected = match &mut base_tree {
            Some(tree) if labels => policy::load(transaction, tree)?,
            _ => None,
        };
        let all_paths = match &mut base_tree {
            Some(tree) => prepare_root::keeps_all_paths(transaction, tree)?,
            None => true,
        };
        let job = derived::Job {
            source: self.source,
            transaction,
            settling: self.settling,
            options: self.options,
            rules: self.options.rules(all_paths),
            policy: expected.as_ref(),
        };
        let planned = self.plan.layers.get(self.plan.base_layers..).unwrap_or_default();
        let mut layers = self.settling.reading(|| job.layers(self.plan.base_layers, planned))?;
        if self.options.deny_filtered {
            refuse_filtered(layers.iter().map(|layer| &layer.notes.filtered))?;
        }
        derived::discard_leftovers(transaction, &mut layers)?;
        let merge = Merge { store: transaction, base: base.map(|base| base.id) };
        let merged = match labels {
            true => merge_labelled(&merge, base_tree, &mut layers, expected.as_ref(), self.options.threads())?,
            false => merge_all(&merge, base_tree, &mut layers)?,
        };
        listener.event(Event::Finishing);
        let commit = self.write(base, &mut layers, &merged)?;
        derived::discard_interim(transaction, &layers, &commit)?;
        let derived = layers.iter().filter_map(|layer| layer.commit);
        let commits = base.map(|base| base.id).into_iter().chain(derived).chain([commit]).collect();
        let pulled = Pulled {
            commit,
            digest: self.plan.info.raw_manifest.digest.clone(),
            filtered: layers
                .iter()
                .filter(|l| !l.notes.filtered.is_empty())
                .map(|l| (l.digest.clone(), l.notes.filtered.clone()))
                .collect(),
            filtered_paths: layers.into_iter().flat_map(|layer| layer.filtered_paths).collect(),
        };
        Ok(Image { pulled, commits })
    }

    /// Writes the commits and sets the refs.
    fn write(
        &self,
        base: Option<&Base>,
        layers: &mut [Derived],
        merged: &MutableTree,
    ) -> Result<CommitId, ContainerError> {
        let transaction = self.transaction;
        for (name, commit) in base.iter().flat_map(|base| &base.layers) {
            transaction.set_ref(Refspec::local(name.clone()), Some(*commit));
        }
        for layer in layers {
            let commit = match layer.commit {
                Some(commit) if layer.linked.is_empty() => commit,
                _ => {
                    // Programs that do not read the notes find the files there.
                    let mut tree = layer.layer.tree.clone();
                    layer.linked.iter().try_for_each(|(path, file)| put(transaction, &mut tree, path, *file))?;
                    documents::layer_commit(transaction, &tree, &layer.notes)?
                }
            };
            layer.commit = Some(commit);
            transaction.set_ref(Refspec::local(blob_ref(&layer.digest)), Some(commit));
        }
        let base = base.map(|base| (base.id, &base.commit));
        let merged = Merged { info: &self.plan.info, base, tree: merged };
        let commit = documents::merge_commit(transaction, &merged)?;
        if !self.options.no_image_ref {
            transaction.set_ref(Refspec::local(image_ref(self.plan.image)?), Some(commit));
        }
        Ok(commit)
    }
}
