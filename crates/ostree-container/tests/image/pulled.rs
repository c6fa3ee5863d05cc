//! Images that are pulled with all their layers, and images of layers that are made of sample trees.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use oci_image::config::ImageConfig;
use oci_image::{Descriptor, Digest, ImageReference, ImageSource, Manifest, Platform, disk, media_type};
use ostree_container::ContainerError;
use ostree_container::layered::{self, Prepared, PullOptions};
use ostree_container::stored::{self, StoredImage};
use ostree_core::tree::MutableTree;
use ostree_core::{Commit, CommitId, ReadObject, walk};
use ostree_repo::{Repo, TransactionOptions};
use ostree_tar::{RawOptions, write_raw_layer};
use testkit::memory_store::{MemoryStore, Store};
use testkit::sample::SampleTree;

use crate::support::{Image, reference};
use crate::watched::Watched;

/// Pulls an image.
pub fn pull(repo: &Repo, image: &str) -> Result<StoredImage, ContainerError> {
    let name = reference(image);
    let options = PullOptions {
        jobs: NonZeroUsize::new(2),
        transaction: TransactionOptions { fsync: Some(false), per_object_fsync: Some(false) },
        ..PullOptions::default()
    };
    pull_from(&*disk::open_source(&name)?, &name, repo, options)
}

/// Pulls the image `name` from `source`.
pub fn pull_from(
    source: &dyn ImageSource,
    name: &ImageReference,
    repo: &Repo,
    options: PullOptions<'_>,
) -> Result<StoredImage, ContainerError> {
    match layered::prepare(source, name, repo, &Platform::linux("amd64"), &mut |problem| panic!("{problem}"))? {
        Prepared::Unchanged(_) => {}
        Prepared::Pull(plan) => {
            layered::import(&plan, &options, &Watched::default())?;
        }
    }
    stored::require(repo, name)
}

/// The root tree and metadata of a commit.
pub fn root(repo: &dyn ReadObject, commit: &CommitId) -> (ostree_core::DirTreeId, ostree_core::DirMetaId) {
    let Commit { root_tree, root_meta, .. } = walk::load_commit(repo, commit).expect("a commit");
    (root_tree, root_meta)
}

/// The tar of a layer with the files that `fill` puts into a tree. Directories in `implicit` are left out.
pub fn layer(implicit: &[&str], fill: impl FnOnce(&mut SampleTree<'_>)) -> Vec<u8> {
    let store = MemoryStore::new();
    let commit = commit(&store, fill);
    let (tree, meta) = root(&store, &commit);
    let implicit: BTreeSet<String> = implicit.iter().map(|path| path.to_string()).collect();
    let options = RawOptions { commit, implicit: &implicit, factory_var: false };
    let mut tar = Vec::new();
    write_raw_layer(&store, &mut MutableTree::stored(tree, meta), options, &mut tar).expect("a layer");
    tar
}

/// A commit of a tree that `fill` fills.
pub fn commit(store: &dyn Store, fill: impl FnOnce(&mut SampleTree<'_>)) -> CommitId {
    let mut tree = SampleTree::new(store).expect("a tree");
    fill(&mut tree);
    tree.commit(Default::default()).expect("a commit")
}

/// The same in a repository.
pub fn commit_to(repo: &Repo, fill: impl FnOnce(&mut SampleTree<'_>)) -> CommitId {
    let transaction = repo.transaction(TransactionOptions::default()).expect("a transaction");
    let commit = commit(&transaction, fill);
    transaction.commit().expect("committed");
    commit
}

/// An image that nobody encapsulated.
pub fn plain_image(layers: Vec<Vec<u8>>) -> Image {
    let config = ImageConfig { architecture: "amd64".into(), os: "linux".into(), ..ImageConfig::default() };
    let manifest = Manifest::new(Descriptor::new(media_type::OCI_CONFIG, Digest::sha256(b""), 0), Vec::new());
    Image { manifest, config, layers }
}
