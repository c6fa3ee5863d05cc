//! What each layer of a stored image holds, from the commits that keep the layers.

use std::collections::BTreeSet;
use std::io::Write;

use oci_image::media_type::LayerCompression;
use oci_image::{Descriptor, Digest};
use ostree_core::tree::{MutableTree, Node};
use ostree_core::{Commit, CommitId, ReadObject, StoreError, walk};
use ostree_repo::Repo;
use ostree_tar::layer::LowerTarget;
use ostree_tar::{DirMap, FileMap, TarError, dirs_of, files_of};

use crate::chunk;
use crate::error::ContainerError;
use crate::keys::LAYER_NOTES;
use crate::layered::merge::put;
use crate::layered::notes::{Link, Notes};
use crate::reexport::content::{Content, Variant};
use crate::reexport::lower::Lower;
use crate::shape::Shape;
use crate::stored::{StoredImage, StoredLayer};

/// A layer to be written.
#[derive(Debug)]
pub struct PlannedLayer {
    /// The layer as it was pulled.
    pub descriptor: Descriptor,
    /// The digest of its uncompressed bytes then, where it is known.
    pub diff_id: Option<Digest>,
    /// What it holds.
    pub content: Content,
}

impl PlannedLayer {
    /// How the layer was compressed.
    pub fn compression(&self) -> Option<LayerCompression> {
        LayerCompression::from_media_type(&self.descriptor.media_type)
    }
}

/// An image to be written.
pub struct Plan<'a> {
    store: &'a dyn ReadObject,
    /// The layers, the lowest first.
    pub layers: Vec<PlannedLayer>,
    /// How many of them hold the encapsulated commit.
    pub base_layers: usize,
    dirs: DirMap,
}

impl Plan<'_> {
    /// Writes a layer's tar.
    pub fn produce(&self, layer: &PlannedLayer, variant: Variant, out: &mut dyn Write) -> Result<(), TarError> {
        layer.content.produce(self.store, variant, &self.dirs, out)
    }

    /// How many bytes the wanted layers have, uncompressed, in the likeliest variant.
    pub fn bytes(&self, wanted: impl Fn(usize) -> bool) -> Result<u64, ContainerError> {
        let layers = self.layers.iter().enumerate().filter(|(index, _)| wanted(*index));
        layers.map(|(_, layer)| layer).try_fold(0, |sum, layer| {
            let failed = |source| ContainerError::Layer { layer: layer.descriptor.digest.to_string(), source };
            let size = layer.content.measure(self.store, Variant::default(), &self.dirs);
            Ok(sum + size.map_err(failed)?)
        })
    }
}

/// Finds out what each layer holds.
///
/// # Errors
/// [`ContainerError::Request`] for a layer that the repository does not have, or that is not what its place in the image
/// says it is.
pub fn plan<'a>(repo: &'a Repo, image: &StoredImage) -> Result<Plan<'a>, ContainerError> {
    let base_layers = base_layers(repo, image)?;
    let (own, derived) = image.layers.split_at_checked(base_layers).unwrap_or((&image.layers, &[]));
    let mut contents = Vec::with_capacity(image.layers.len());
    let mut lower = Lower::default();
    let mut dirs = DirMap::new();
    if !own.is_empty() {
        let id =
            image.base.ok_or_else(|| ContainerError::Request("the image's commit is not in the repository".into()))?;
        let failed = |source| ContainerError::Layer { layer: format!("of commit {id}"), source };
        contents.extend(base(repo, id, own, files_of(repo, &id).map_err(failed)?)?);
        dirs = dirs_of(repo, &id).map_err(failed)?;
        let commit = walk::load_commit(repo, &id)?;
        lower.push(MutableTree::stored(commit.root_tree, commit.root_meta));
    }
    for layer in derived {
        contents.push(raw(repo, layer, &mut lower)?);
    }
    let layers = image.layers.iter().zip(contents).map(|(layer, content)| PlannedLayer {
        descriptor: layer.descriptor.clone(),
        diff_id: layer.diff_id.clone(),
        content,
    });
    Ok(Plan { store: repo, layers: layers.collect(), base_layers, dirs })
}

/// How many layers hold the encapsulated commit. Without a configuration, those that look as if they did.
fn base_layers(repo: &Repo, image: &StoredImage) -> Result<usize, ContainerError> {
    if let Some(config) = &image.config {
        return Ok(Shape::of(&image.manifest, config)?.base.map_or(0, |base| base.iter().count()));
    }
    if image.base.is_none() {
        return Ok(0);
    }
    let mut count = 1;
    for layer in image.layers.iter().skip(1) {
        let Some(id) = layer.commit else { break };
        let commit = walk::load_commit(repo, &id)?;
        if chunk::files(&commit, &walk::load_dirtree(repo, &commit.root_tree)?).is_none() {
            break;
        }
        count += 1;
    }
    Ok(count)
}

fn commit_of(repo: &Repo, layer: &StoredLayer) -> Result<(CommitId, Commit), ContainerError> {
    let digest = &layer.descriptor.digest;
    let missing = || ContainerError::Request(format!("layer {digest} is not in the repository; pull the image again"));
    let id = layer.commit.ok_or_else(missing)?;
    Ok((id, walk::load_commit(repo, &id)?))
}

/// The layers of a commit that has `files`.
fn base(
    repo: &Repo,
    commit: CommitId,
    layers: &[StoredLayer],
    mut files: FileMap,
) -> Result<Vec<Content>, ContainerError> {
    let mut chunks = Vec::new();
    for layer in layers.iter().skip(1) {
        let (_, kept) = commit_of(repo, layer)?;
        let ids = chunk::files(&kept, &walk::load_dirtree(repo, &kept.root_tree)?).ok_or_else(|| {
            ContainerError::Request(format!("layer {}: its commit keeps no chunk", layer.descriptor.digest))
        })?;
        let files = ids.into_iter().map(|id| (id, files.remove(&id).unwrap_or_default())).collect();
        chunks.push(Content::Chunk { files });
    }
    let first = Content::Commit { commit, remainder: files };
    Ok(std::iter::once(first).chain(chunks).collect())
}

/// A derived layer. Its hard links to lower layers become the files they lead to, which every program can unpack.
fn raw(repo: &Repo, layer: &StoredLayer, lower: &mut Lower) -> Result<Content, ContainerError> {
    let (id, commit) = commit_of(repo, layer)?;
    let mut tree = MutableTree::stored(commit.root_tree, commit.root_meta);
    let unreadable = |problem: serde_json::Error| ContainerError::ImageMetadata {
        commit: id,
        key: LAYER_NOTES,
        reason: problem.to_string(),
    };
    let notes = Notes::read(&commit.metadata).transpose().map_err(unreadable)?;
    for link in notes.iter().flat_map(|notes| &notes.links).filter_map(Link::lower) {
        let (found, target) = match &link.target {
            LowerTarget::Object(id) => (Some(*id), format!("object {id}")),
            LowerTarget::Path(path) => (lower.file(repo, path)?, path.clone()),
        };
        let reason = "is in no layer below".to_owned();
        let file = found.ok_or_else(|| ContainerError::LowerLink { path: link.path.clone(), target, reason })?;
        put(repo, &mut tree, &link.path, file)?;
    }
    let factory_var = notes.as_ref().is_some_and(|notes| notes.rules.factory_var);
    let implicit = match notes {
        Some(notes) => notes.implicit,
        None => {
            let mut known = BTreeSet::from(["/".to_owned()]);
            known_below(repo, &mut tree, (lower, &mut String::new()), &mut known)?;
            known
        }
    };
    lower.push(tree.clone());
    Ok(Content::Raw { commit: id, tree, implicit, factory_var })
}

/// The directories that lower layers have too. Of those, ostree-ext keeps the metadata that they have there.
fn known_below(
    repo: &Repo,
    tree: &mut MutableTree,
    (lower, path): (&mut Lower, &mut String),
    known: &mut BTreeSet<String>,
) -> Result<(), StoreError> {
    let length = path.len();
    for (name, node) in tree.entries_mut(repo)? {
        let Node::Dir(child) = node else { continue };
        path.push('/');
        path.push_str(name.as_str());
        if lower.has_dir(repo, path)? {
            known.insert(path.clone());
            known_below(repo, child, (lower, path), known)?;
        }
        path.truncate(length);
    }
    Ok(())
}
