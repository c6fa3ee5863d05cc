//! Reading derived layers, several at once.

use std::collections::{BTreeSet, HashSet};

use oci_image::Digest;
use ostree_core::tree::{MutableTree, Node};
use ostree_core::{CommitId, FileId, ObjectKind, ReadObject, StoreError, walk};
use ostree_repo::Transaction;
use ostree_selinux::Policy;
use ostree_tar::layer::{LayerContents, LayerOptions, VarPlace, read_layer as read_tar};

use crate::error::ContainerError;
use crate::layered::documents;
use crate::layered::merge::{Implicit, LayerTree, Linked};
use crate::layered::notes::{Link, Notes, Rules};
use crate::layered::options::PullOptions;
use crate::layered::plan::PlannedLayer;
use crate::layered::policy;
use crate::layered::present::{Kept, kept};
use crate::pull::finished::Finished;
use crate::pull::pipe::read_layer;
use crate::pull::received::{Received, doubtful};
use crate::pull::settling::Settling;
use crate::shape::Layer;
use oci_image::each;

/// A derived layer, read or found.
pub struct Derived {
    /// Its digest.
    pub digest: Digest,
    /// The commit that keeps it; `None` while none does.
    pub commit: Option<CommitId>,
    /// The commit that keeps it as it was read, for a pull that would be interrupted.
    pub interim: Option<CommitId>,
    /// What it holds.
    pub layer: LayerTree,
    /// The files that its links to lower layers led to, once it is merged.
    pub linked: Vec<Linked>,
    /// What its commit remembers besides.
    pub notes: Notes,
    /// Files of it that were written and are not in its tree.
    pub leftovers: BTreeSet<FileId>,
    /// What was left out of it, as far as it was listed.
    pub filtered_paths: Vec<String>,
}

/// How layers are read.
pub struct Job<'a> {
    /// Where they come from.
    pub source: &'a Received<'a>,
    /// Where their objects go.
    pub transaction: &'a Transaction<'a>,
    /// What keeps those that are finished.
    pub settling: &'a Settling<'a>,
    /// How the image is pulled.
    pub options: &'a PullOptions<'a>,
    /// Which entries are kept.
    pub rules: Rules,
    /// The policy that the final tree is expected to have.
    pub policy: Option<&'a Policy>,
}

impl Job<'_> {
    /// Reads all layers, of which the first stands at position `first` of the image, or takes what is there.
    pub fn layers(&self, first: usize, layers: &[PlannedLayer]) -> Result<Vec<Derived>, ContainerError> {
        let present = |planned: &PlannedLayer| self.usable(&planned.layer, planned.kept.as_ref()?);
        let found: Vec<Option<Derived>> = layers.iter().map(present).collect();
        let missing: Vec<_> = layers.iter().enumerate().zip(&found).filter(|(_, found)| found.is_none()).collect();
        let jobs = self.options.threads();
        let writers = jobs.get().div_ceil(missing.len().max(1));
        let read = each(self.source.readers(jobs), &missing, &|| self.source.stop(), |_, ((index, planned), _)| {
            let (index, layer) = (first + index, &planned.layer);
            if let Some(derived) = self.at_hand(index, layer)? {
                return Ok(derived);
            }
            let mut derived = self.source.again(&layer.descriptor, || self.read(index, layer, writers))?;
            let commit = documents::layer_commit(self.transaction, &derived.layer.tree, &derived.notes)?;
            derived.interim = Some(commit);
            self.settling.finished(&layer.descriptor, Finished::Derived(commit));
            Ok::<_, ContainerError>(derived)
        })?;
        let mut read = read.into_iter();
        Ok(found.into_iter().filter_map(|found| found.or_else(|| read.next())).collect())
    }

    /// What a layer was read to by another pull, if by the same rules.
    fn at_hand(&self, index: usize, layer: &Layer) -> Result<Option<Derived>, ContainerError> {
        let Some(Finished::Derived(commit)) = self.settling.at_hand(&layer.descriptor) else { return Ok(None) };
        let kept = kept(self.transaction, commit)?;
        let Some(derived) = kept.and_then(|kept| self.usable(layer, &kept)) else { return Ok(None) };
        self.source.at_hand(index, &layer.descriptor)?;
        Ok(Some(Derived { commit: None, interim: Some(commit), ..derived }))
    }

    /// What is there of a layer, if it was read by the same rules.
    fn usable(&self, layer: &Layer, kept: &Kept) -> Option<Derived> {
        let Kept::Derived(id, commit, notes) = kept else { return None };
        let (notes, implicit) = match notes {
            Some(notes) if notes.rules != self.rules => return None,
            Some(notes) => (notes.clone(), Implicit::Paths(notes.implicit.clone())),
            // Whoever imported it gave it the labels of the base's policy.
            None => {
                let policy = self.policy.map(policy::digest);
                (Notes { rules: self.rules, policy, ..Notes::default() }, Implicit::Unknown)
            }
        };
        let tree = MutableTree::stored(commit.root_tree, commit.root_meta);
        let links = notes.links.iter().map(Link::lower).collect::<Option<_>>()?;
        Some(Derived {
            digest: layer.descriptor.digest.clone(),
            commit: Some(*id),
            interim: None,
            layer: LayerTree { tree, implicit, links },
            linked: Vec::new(),
            notes,
            leftovers: BTreeSet::new(),
            filtered_paths: Vec::new(),
        })
    }

    fn read(&self, index: usize, layer: &Layer, writers: usize) -> Result<Derived, ContainerError> {
        let digest = layer.descriptor.digest.clone();
        let opened = self.source.open_layer(index, &layer.descriptor)?;
        let label = |path: &str, mode: u32| self.policy?.label(path, mode).map(str::to_owned);
        let options = LayerOptions {
            var: if self.rules.factory_var { VarPlace::Factory } else { VarPlace::Keep },
            allow_nonusr: self.rules.all_paths,
            skip_special: self.rules.skip_special,
            label: self.policy.is_some().then_some(&label),
            writers,
        };
        let (contents, _) = read_layer(opened, &layer.diff_id, doubtful, |stream| {
            read_tar(stream, self.transaction, &options)
                .map_err(|source| ContainerError::Layer { layer: digest.to_string(), source })
        })?;
        let LayerContents { tree, implicit, links, leftovers, filtered, mut filtered_paths, skipped } = contents;
        filtered_paths.extend(skipped);
        let notes = Notes {
            rules: self.rules,
            policy: self.policy.map(policy::digest),
            links: links.iter().map(Link::from).collect(),
            implicit: implicit.clone(),
            filtered,
        };
        let layer = LayerTree { tree, implicit: Implicit::Paths(implicit), links };
        let (commit, interim, linked) = (None, None, Vec::new());
        Ok(Derived { digest, commit, interim, layer, linked, notes, leftovers, filtered_paths })
    }
}

/// Takes back what layers brought and no layer's tree holds: it would be reachable by nothing.
pub fn discard_leftovers(transaction: &Transaction<'_>, layers: &mut [Derived]) -> Result<(), ContainerError> {
    let mut leftovers: BTreeSet<FileId> = layers.iter_mut().flat_map(|l| std::mem::take(&mut l.leftovers)).collect();
    if leftovers.is_empty() {
        return Ok(());
    }
    for layer in layers {
        keep_used(transaction, &mut layer.layer.tree, &mut leftovers)?;
    }
    leftovers.iter().try_for_each(|id| Ok(transaction.discard(&id.object())?))
}

/// Takes back the commits that kept layers as they were read, where they came out otherwise: nothing names them. `whole` is
/// the image's commit.
pub fn discard_interim(
    transaction: &Transaction<'_>,
    layers: &[Derived],
    whole: &CommitId,
) -> Result<(), ContainerError> {
    let (mut interim, mut used) = (HashSet::new(), HashSet::new());
    for commit in layers.iter().filter(|layer| layer.interim != layer.commit).filter_map(|layer| layer.interim) {
        walk::reachable(transaction, &commit, true, &mut interim)?;
    }
    if interim.is_empty() {
        return Ok(());
    }
    for commit in layers.iter().filter_map(|layer| layer.commit).chain([*whole]) {
        walk::reachable(transaction, &commit, true, &mut used)?;
    }
    // Whoever made other files of these has taken them back.
    let unused = interim.difference(&used).filter(|name| name.kind != ObjectKind::File);
    unused.into_iter().try_for_each(|name| Ok(transaction.discard(name)?))
}

fn keep_used(
    store: &dyn ReadObject,
    tree: &mut MutableTree,
    leftovers: &mut BTreeSet<FileId>,
) -> Result<(), StoreError> {
    for node in tree.entries_mut(store)?.values_mut() {
        match node {
            Node::File(id) => {
                leftovers.remove(id);
            }
            Node::Dir(dir) => keep_used(store, dir, leftovers)?,
        }
    }
    Ok(())
}

/// Removes the file at `path` if it is regular and has no content.
pub fn remove_if_empty(store: &dyn ReadObject, tree: &mut MutableTree, path: &str) -> Result<(), StoreError> {
    let Some((parent, name)) = path.rsplit_once('/') else { return Ok(()) };
    let id = match tree.find(store, path)? {
        Some(Node::File(id)) => *id,
        Some(Node::Dir(_)) | None => return Ok(()),
    };
    let file = store.read_file(&id)?.ok_or(StoreError::Missing { name: id.object() })?;
    if file.header.is_symlink() || file.size > 0 {
        return Ok(());
    }
    if let Some(Node::Dir(dir)) = tree.find(store, parent)? {
        dir.entries_mut(store)?.remove(name);
    }
    Ok(())
}
