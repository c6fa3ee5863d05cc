//! Images that stand in a repository: read, collected, removed, copied, also where something is damaged.

use std::fs;
use std::path::Path;
use std::time::Duration;

use oci_image::config::History;
use oci_image::{Descriptor, Digest, ImageConfig, Manifest, media_type};
use ostree_container::refs::{blob_ref, image_ref};
use ostree_container::stored::{
    self, CachedUpdate, Extent, GcOptions, RemoveOptions, cached_update, clear_cached_update, collect, prune_images,
    set_cached_update,
};
use ostree_container::{ContainerError, keys};
use ostree_core::metadata::RawVariant;
use ostree_core::{Commit, CommitId, DirMeta, DirTree, Metadata, ObjectKind, ReadObject, RefName, WriteObject};
use ostree_repo::copy::CopyOptions;
use ostree_repo::refs::RefTarget;
use ostree_repo::{LockKind, Repo, RepoMode, Transaction, TransactionOptions, create, refs};

use crate::support::{new_repo, reference, temp_dir};

/// Writes a commit with an empty tree.
fn commit(transaction: &Transaction<'_>, metadata: Metadata, subject: &str) -> CommitId {
    let (tree, meta) = (DirTree::default(), DirMeta::root_0755());
    let commit = Commit {
        metadata,
        parent: None,
        related: Vec::new(),
        subject: subject.to_owned(),
        body: String::new(),
        timestamp: 0,
        root_tree: tree.id(),
        root_meta: meta.id(),
    };
    transaction.write_metadata(ObjectKind::DirTree, &tree.encode(), None).expect("a tree");
    transaction.write_metadata(ObjectKind::DirMeta, &meta.encode(), None).expect("metadata");
    transaction.write_metadata(ObjectKind::Commit, &commit.encode(), None).expect("a commit");
    commit.id()
}

fn manifest(layers: &[&str]) -> Manifest {
    let layer = |text: &&str| Descriptor::new(media_type::OCI_LAYER_GZIP, Digest::sha256(text.as_bytes()), 100);
    let config = Descriptor::new(media_type::OCI_CONFIG, Digest::sha256(b"config"), 7);
    Manifest::new(config, layers.iter().map(layer).collect())
}

fn config(layers: &[&str]) -> ImageConfig {
    let mut config = ImageConfig::default();
    config.rootfs.diff_ids = layers.iter().map(|text| Digest::sha256(format!("tar {text}").as_bytes())).collect();
    let last = config.rootfs.diff_ids[0].to_string();
    config.config.get_or_insert_default().labels.insert(keys::FINAL_DIFFID_LABEL.into(), last);
    config.history =
        layers.iter().map(|text| History { created_by: Some(text.to_string()), ..History::default() }).collect();
    config
}

/// Stores an image as the reference does. Its layers are named by texts.
fn store(repo: &Repo, image: &str, layers: &[&str]) -> CommitId {
    let transaction = repo.transaction(TransactionOptions::default()).expect("a transaction");
    for text in layers {
        let layer = commit(&transaction, Metadata::default(), text);
        transaction.set_ref(RefTarget::Local(blob_ref(&Digest::sha256(text.as_bytes()))), Some(layer));
    }
    let manifest = serde_json::to_string(&manifest(layers)).expect("JSON");
    let metadata = [
        (keys::IMAGE_CONFIG, RawVariant::string(&serde_json::to_string(&config(layers)).expect("JSON"))),
        (keys::MANIFEST_DIGEST, RawVariant::string(&Digest::sha256(manifest.as_bytes()).to_string())),
        (keys::MANIFEST, RawVariant::string(&manifest)),
    ];
    let merge = commit(&transaction, metadata.into_iter().collect(), "");
    transaction.set_ref(RefTarget::Local(image_ref(&reference(image)).expect("a ref name")), Some(merge));
    transaction.commit().expect("a commit");
    merge
}

fn layer_ref(text: &str) -> RefName {
    blob_ref(&Digest::sha256(text.as_bytes()))
}

fn has_layer(repo: &Repo, text: &str) -> bool {
    refs::read(repo, &RefTarget::Local(layer_ref(text))).expect("readable").is_some()
}

fn ref_file(repo: &Repo, name: &RefName) -> std::path::PathBuf {
    repo.path().join(RefTarget::Local(name.clone()).path())
}

#[test]
fn an_image_is_found_with_its_layers() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::Archive);
    let merge = store(&repo, "oci:a", &["base", "top"]);
    let image = stored::find(&repo, &reference("oci:a")).expect("readable").expect("stored");
    assert_eq!((image.commit, image.layers.len(), image.problems.len()), (merge, 2, 0));
    assert_eq!(image.base, image.layers[0].commit);
    assert_eq!(image.config, Some(config(&["base", "top"])));
    let steps: Vec<_> = stored::history(&image).into_iter().map(|row| row.step.and_then(|s| s.created_by)).collect();
    assert_eq!(steps, [Some("base".to_owned()), Some("top".to_owned())]);
    assert!(stored::find(&repo, &reference("oci:b")).expect("readable").is_none());
    assert!(matches!(stored::require(&repo, &reference("oci:b")), Err(ContainerError::NoSuchImage { .. })));
    let listed = stored::all(&repo).expect("readable");
    assert!(matches!(&listed[..], [(name, Ok(found))] if *name == reference("oci:a") && *found == image));
}

#[test]
fn damaged_layer_refs_are_told_and_the_rest_is_shown() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::Archive);
    store(&repo, "oci:a", &["base", "top", "more"]);
    fs::remove_file(ref_file(&repo, &layer_ref("base"))).expect("removed");
    fs::write(ref_file(&repo, &layer_ref("top")), "nonsense").expect("written");
    fs::write(ref_file(&repo, &layer_ref("more")), "00".repeat(32)).expect("written");
    let image = stored::require(&repo, &reference("oci:a")).expect("readable all the same");
    assert_eq!((image.base, image.layers.len(), image.problems.len()), (None, 3, 3));
    assert!(
        image
            .problems
            .iter()
            .zip(["base", "top", "more"])
            .all(|(problem, text)| { problem.contains(&Digest::sha256(text.as_bytes()).to_string()) })
    );
    let listed = stored::all(&repo).expect("readable");
    assert!(listed[0].1.is_ok());
}

#[test]
fn one_damaged_image_does_not_hide_the_others() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::Archive);
    store(&repo, "oci:a", &["base"]);
    store(&repo, "oci:b", &["base"]);
    fs::write(ref_file(&repo, &image_ref(&reference("oci:a")).expect("a name")), "").expect("written");
    fs::write(repo.path().join(format!("refs/heads/{}/x_", keys::IMAGE_REFS)), "").expect("written");
    let listed = stored::all(&repo).expect("readable");
    assert_eq!(listed.iter().map(|(_, image)| image.is_ok()).collect::<Vec<_>>(), [false, true]);
    let entries = stored::entries(&repo).expect("readable");
    assert_eq!(entries.iter().filter(|entry| entry.image.is_err()).count(), 1);
}

#[test]
fn unneeded_layers_go_unless_they_might_be_needed() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::Archive);
    store(&repo, "oci:a", &["base", "one"]);
    store(&repo, "oci:b", &["base", "two"]);
    let options = GcOptions::default();
    assert!(collect(&repo, &options).expect("collected").layers.is_empty());
    let gone = image_ref(&reference("oci:a")).expect("a name");
    let dry = GcOptions { dry_run: true, without_images: [gone.clone()].into(), ..GcOptions::default() };
    assert_eq!(collect(&repo, &dry).expect("told").layers, [layer_ref("one")]);
    assert!(has_layer(&repo, "one"));
    refs::delete(&repo, &RefTarget::Local(gone)).expect("deleted");
    // A deployment's ref may name an image, too; one that cannot be read might need any layer.
    let deployed = ref_file(&repo, &RefName::new("ostree/0/1/0").expect("a name"));
    fs::create_dir_all(deployed.parent().expect("a parent")).expect("made");
    fs::write(&deployed, "00".repeat(32)).expect("written");
    let kept = collect(&repo, &options).expect("collected");
    assert!(kept.layers.is_empty() && kept.problems.len() == 2 && has_layer(&repo, "one"), "{kept:?}");
    let merge = store(&repo, "oci:c", &["base", "one"]);
    fs::write(&deployed, merge.to_string()).expect("written");
    refs::delete(&repo, &RefTarget::Local(image_ref(&reference("oci:c")).expect("a name"))).expect("deleted");
    assert!(collect(&repo, &options).expect("collected").layers.is_empty());
    fs::remove_file(&deployed).expect("removed");
    assert_eq!(collect(&repo, &options).expect("collected").layers, [layer_ref("one")]);
    assert!(!has_layer(&repo, "one") && has_layer(&repo, "two") && has_layer(&repo, "base"));
}

#[test]
fn a_collection_waits_for_writers() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::Archive);
    store(&repo, "oci:a", &["base"]);
    refs::delete(&repo, &RefTarget::Local(image_ref(&reference("oci:a")).expect("a name"))).expect("deleted");
    let options = GcOptions { patience: Some(Duration::ZERO), ..GcOptions::default() };
    let other = Repo::open(repo.path()).expect("the same repository");
    let lock = other.lock(LockKind::Shared).expect("a lock");
    assert!(collect(&repo, &options).is_err());
    assert!(has_layer(&repo, "base"));
    drop(lock);
    assert_eq!(collect(&repo, &options).expect("collected").layers.len(), 1);
}

#[test]
fn removal_tells_beforehand_what_it_frees() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::Archive);
    store(&repo, "oci:a", &["base", "one"]);
    store(&repo, "oci:b", &["base"]);
    let images = [reference("oci:a"), reference("oci:a")];
    let dry = stored::remove(&repo, &images, RemoveOptions { dry_run: true, ..Default::default() }).expect("told");
    let commit = |text: &str| fs::metadata(repo.object_path(&commit_of(&repo, text).object())).expect("there").len();
    let merge = image_ref(&reference("oci:a")).expect("a name");
    assert_eq!(dry.freed, Some((2, commit(layer_ref("one").as_str()) + commit(merge.as_str()))));
    assert_eq!((dry.images.len(), dry.gc.layers.len()), (1, 1));
    let missing = stored::remove(&repo, &[reference("oci:x")], RemoveOptions::default()).expect("told");
    assert_eq!((missing.missing.len(), missing.images.len()), (1, 0));
    let removed = stored::remove(&repo, &images, RemoveOptions::default()).expect("removed");
    assert_eq!(removed.gc.layers, [layer_ref("one")]);
    assert_eq!(stored::all(&repo).expect("readable").len(), 1);
}

#[test]
fn images_go_also_while_others_write() {
    let dir = temp_dir();
    let config = new_repo(&dir, RepoMode::Archive).path().join("config");
    let text = fs::read_to_string(&config).expect("readable");
    fs::write(&config, format!("{text}lock-timeout-secs=0\n")).expect("written");
    let repo = Repo::open(&dir.path().join("repo")).expect("a repository");
    store(&repo, "oci:a", &["base"]);
    let other = Repo::open(repo.path()).expect("the same repository");
    let _lock = other.lock(LockKind::Shared).expect("a lock");
    let removed = stored::remove(&repo, &[reference("oci:a")], RemoveOptions::default()).expect("removed");
    assert_eq!((removed.images.len(), removed.gc.layers.len(), removed.gc.problems.len()), (1, 0, 1));
    assert!(has_layer(&repo, "base"));
}

fn commit_of(repo: &Repo, name: &str) -> CommitId {
    refs::resolve(repo, name).expect("a ref")
}

#[test]
fn the_cached_update_leaves_signatures_alone() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::Archive);
    let merge = store(&repo, "oci:a", &["base"]);
    let signatures: Metadata = [("ostree.gpgsigs", RawVariant::byte_arrays([&b"s"[..]]))].into_iter().collect();
    let transaction = repo.transaction(TransactionOptions::default()).expect("a transaction");
    transaction.write_detached(&merge, &signatures).expect("written");
    transaction.commit().expect("committed");
    let layers = ["base", "new"];
    let update =
        CachedUpdate { manifest_digest: Digest::sha256(b"new"), manifest: manifest(&layers), config: config(&layers) };
    assert_eq!(cached_update(&repo, &merge).expect("readable"), None);
    set_cached_update(&repo, &merge, &update).expect("written");
    assert_eq!(cached_update(&repo, &merge).expect("readable"), Some(update));
    let detached = repo.read_detached(&merge).expect("readable").expect("there");
    assert_eq!(detached.get("ostree.gpgsigs"), signatures.get("ostree.gpgsigs"));
    assert!(clear_cached_update(&repo, &merge).expect("cleared"));
    assert!(!clear_cached_update(&repo, &merge).expect("nothing to clear"));
    assert_eq!(repo.read_detached(&merge).expect("readable"), Some(signatures));
}

#[test]
fn copies_are_whole_and_keep_detached_metadata() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::Archive);
    let merge = store(&repo, "oci:a", &["base", "top"]);
    let dest = create(&dir.path().join("dest"), RepoMode::BareUserOnly, None).expect("a repository");
    let update =
        CachedUpdate { manifest_digest: Digest::sha256(b"n"), manifest: manifest(&["x"]), config: config(&["x"]) };
    set_cached_update(&repo, &merge, &update).expect("written");
    fs::remove_file(ref_file(&repo, &layer_ref("top"))).expect("removed");
    let image = reference("oci:a");
    let copied = stored::copy(&repo, &dest, &image, &CopyOptions::default(), &mut |_| {}).expect("copied");
    assert_eq!(copied.image.problems.len(), 1);
    let there = stored::require(&dest, &image).expect("stored");
    assert_eq!((there.commit, there.base), (merge, copied.image.base));
    assert_eq!(cached_update(&dest, &merge).expect("readable"), Some(update));
    assert!(ostree_core::walk::missing(&dest, &merge).expect("readable").is_empty());
    let absent = stored::copy(&repo, &dest, &reference("oci:b"), &CopyOptions::default(), &mut |_| {});
    assert!(matches!(absent, Err(ContainerError::NoSuchImage { .. })));
}

/// Makes a deployment of `commit`, with an origin.
fn deploy(sysroot: &Path, commit: &CommitId, origin: &str) {
    let path = sysroot.join(format!("ostree/deploy/os/deploy/{commit}.0"));
    fs::create_dir_all(&path).expect("made");
    fs::write(path.with_extension("0.origin"), origin).expect("written");
}

#[test]
fn images_that_deployments_follow_stay() {
    let dir = temp_dir();
    fs::create_dir_all(dir.path().join("ostree/deploy")).expect("made");
    let repo = create(&dir.path().join("ostree/repo"), RepoMode::Archive, None).expect("a repository");
    store(&repo, "oci:followed", &["base"]);
    let deployed = store(&repo, "oci:deployed", &["base", "one"]);
    store(&repo, "oci:other", &["base", "two"]);
    deploy(dir.path(), &deployed, "[origin]\ncontainer-image-reference=nonsense\n");
    assert!(matches!(prune_images(dir.path(), Extent::Objects, false), Err(ContainerError::Request(_))));
    assert_eq!(stored::all(&repo).expect("readable").len(), 3);
    deploy(dir.path(), &deployed, "[origin]\ncontainer-image-reference=ostree-unverified-image:oci:followed\n");
    let dry = prune_images(dir.path(), Extent::Objects, true).expect("told");
    assert_eq!((dry.images.len(), dry.gc.layers.len()), (2, 1));
    // The deployed commit and its layers stay, though no ref names it.
    assert_eq!(dry.freed.map(|(objects, _)| objects), Some(2));
    let pruned = prune_images(dir.path(), Extent::Objects, false).expect("pruned");
    assert_eq!(pruned.gc.pruned.map(|stats| stats.deleted), Some(2));
    assert_eq!(stored::all(&repo).expect("readable").len(), 1);
    assert!(has_layer(&repo, "one") && !has_layer(&repo, "two"));
    assert!(repo.has_object(&deployed.object()).expect("readable"));
}
