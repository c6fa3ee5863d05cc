//! Laying an image's layers over each other, and labelling what comes of it.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use ostree_core::tree::MutableTree;
use ostree_core::{DirMeta, DirMetaId, ObjectKind, WriteObject};
use ostree_repo::Transaction;
use ostree_selinux::Policy;

use crate::error::ContainerError;
use crate::layered::derived::{self, Derived};
use crate::layered::merge::Merge;
use crate::layered::policy;
use crate::layered::relabel::Relabel;

/// What builders leave in `/etc` without meaning it, as empty files.
const INJECTED: [&str; 2] = ["usr/etc/hostname", "usr/etc/resolv.conf"];

/// Lays all layers over the base, and takes away what builders inject.
pub fn merge_all(
    merge: &Merge<'_, Transaction<'_>>,
    base: Option<MutableTree>,
    layers: &mut [Derived],
) -> Result<MutableTree, ContainerError> {
    let mut merged = match base {
        Some(tree) => tree,
        None => {
            let meta = DirMeta::root_0755().encode();
            let mut tree = MutableTree::new();
            tree.set_meta(DirMetaId::new(merge.store.write_metadata(ObjectKind::DirMeta, &meta, None)?));
            tree
        }
    };
    for layer in &mut *layers {
        layer.linked = merge
            .apply(&mut merged, &layer.layer)
            .map_err(|source| ContainerError::Merge { layer: layer.digest.clone(), source: Box::new(source) })?;
    }
    if !layers.is_empty() {
        for path in INJECTED {
            derived::remove_if_empty(merge.store, &mut merged, path)?;
        }
    }
    Ok(merged)
}

/// Lays all layers over the base, and labels what has not the labels of the policy in the tree that comes of it.
pub fn merge_labelled(
    merge: &Merge<'_, Transaction<'_>>,
    mut base: Option<MutableTree>,
    layers: &mut [Derived],
    expected: Option<&Policy>,
    jobs: NonZeroUsize,
) -> Result<MutableTree, ContainerError> {
    let transaction = merge.store;
    let mut merged = merge_all(merge, base.clone(), layers)?;
    let found;
    let policy = match layers.is_empty() {
        true => expected,
        false => {
            found = policy::load(transaction, &mut merged)?;
            found.as_ref()
        }
    };
    let digest = policy.map(policy::digest);
    let another = digest != expected.map(policy::digest);
    if relabel_layers(transaction, layers, policy, digest.as_deref())? {
        merged = merge_all(merge, base.clone(), layers)?;
    }
    let relabel = Relabel::new(transaction, policy, false, jobs);
    let whole = match &mut base {
        Some(base) => another || !relabel.is_labelled(base)?,
        None => false,
    };
    // The file of a lower layer may have another label where a link to it stands.
    for (path, file) in layers.iter_mut().flat_map(|layer| &mut layer.linked) {
        *file = relabel.file(*file, path)?;
    }
    if whole {
        relabel.tree(&mut merged)?;
        return Ok(merged);
    }
    // Without a base, it may be that no layer says anything of the root.
    relabel.root(&mut merged)?;
    for link in layers.iter().flat_map(|layer| &layer.layer.links) {
        relabel.file_at(&mut merged, &link.path)?;
    }
    Ok(merged)
}

/// Relabels the layers that have labels of another policy; whether there were any.
fn relabel_layers(
    transaction: &Transaction<'_>,
    layers: &mut [Derived],
    policy: Option<&Policy>,
    digest: Option<&str>,
) -> Result<bool, ContainerError> {
    let mut others: Vec<&mut Derived> =
        layers.iter_mut().filter(|layer| layer.notes.policy.as_deref() != digest).collect();
    let had: BTreeSet<bool> = others.iter().map(|layer| layer.notes.policy.is_some()).collect();
    for strip in had {
        let relabel = Relabel::new(transaction, policy, strip, NonZeroUsize::MIN);
        let of = |layer: &&mut &mut Derived| layer.notes.policy.is_some() == strip;
        for layer in others.iter_mut().filter(of) {
            relabel.announce(&mut layer.layer.tree)?;
        }
        for layer in others.iter_mut().filter(of) {
            relabel.tree(&mut layer.layer.tree)?;
        }
    }
    for layer in &mut others {
        layer.commit = None;
        layer.notes.policy = digest.map(str::to_owned);
    }
    Ok(!others.is_empty())
}
