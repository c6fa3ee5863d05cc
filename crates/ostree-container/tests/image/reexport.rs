//! Stored images that are written again: the same bytes where they can be known, the same tree everywhere.

use oci_image::{Compression, disk};
use ostree_container::reexport::{ReexportOptions, Reexported, reexport};
use ostree_container::stored::StoredImage;
use ostree_container::{ContainerError, EncapsulateOptions, keys};
use ostree_core::{DirMeta, Owner, ReadObject, Xattrs, mode};
use ostree_repo::{Repo, RepoMode};
use ostree_tar::{ChunkOptions, Flavour, dirs_of, files_of, import_object_set, write_chunk_layer};
use tempfile::TempDir;
use testkit::memory_store::MemoryStore;

use crate::pulled::{layer, plain_image, pull, root};
use crate::support::{
    Image, assert_imported, content_meta, import, new_repo, options, reference, sample_store, temp_dir, write,
};
use crate::watched::Watched;

fn again(repo: &Repo, image: &StoredImage, to: &str) -> Result<Reexported, ContainerError> {
    again_as(repo, image, to, None)
}

fn again_as(
    repo: &Repo,
    image: &StoredImage,
    to: &str,
    compression: Option<Compression>,
) -> Result<Reexported, ContainerError> {
    let sink = disk::create_sink(&reference(to))?;
    reexport(repo, image, &*sink, &ReexportOptions { compression, ..ReexportOptions::default() }, &Watched::default())
}

fn oci(dir: &TempDir, name: &str) -> String {
    format!("oci:{}", dir.path().join(name).display())
}

/// The sample in an image with a layer on top.
fn derived(dir: &TempDir, chunked: bool) -> String {
    let (store, commit) = sample_store();
    let content = chunked.then(|| content_meta(&store, &["one", "two", "three"]));
    let image = oci(dir, "base");
    write(&store, &commit, &image, &EncapsulateOptions { content, ..options() }).expect("written");
    let mut image = Image::read(&image);
    let last = image.layers.len() - 1;
    image.layers.push(layer(&["/", "/usr", "/usr/etc"], |tree| {
        tree.file("usr/bin/new", 0o755, b"new").expect("a file");
        tree.file("usr/bin/.wh.hello", 0o644, b"").expect("a whiteout");
        tree.file("usr/etc/hostname", 0o600, b"changed\n").expect("a file");
        tree.file("usr/share/one", 0o644, b"the same twice").expect("a file");
        tree.file("usr/share/two", 0o644, b"the same twice").expect("a file");
        tree.symlink("usr/bin/away", "../..//nowhere").expect("a symlink");
        let xattrs = testkit::sample::xattrs(&[("user.note", b"a\0\nb")]);
        let owner = Owner { uid: 12, gid: 34 };
        tree.dir("usr/lib", &DirMeta { owner, mode: mode::DIRECTORY | 0o2711, xattrs }).expect("a directory");
    }));
    image.write(&dir.path().join("derived"), last)
}

#[test]
fn what_ours_or_the_reference_wrote_comes_back_byte_by_byte() {
    let (store, commit) = sample_store();
    for (flavour, compression, chunked) in [
        (Flavour::Links, Compression::default(), true),
        (Flavour::Links, Compression::Zstd(3), false),
        (Flavour::Shared, Compression::Gzip(1), true),
        (Flavour::Shared, Compression::None, false),
    ] {
        let dir = temp_dir();
        let content = chunked.then(|| content_meta(&store, &["one", "two", "three"]));
        let options = EncapsulateOptions { flavour, compression, content, ..options() };
        let written = write(&store, &commit, &oci(&dir, "image"), &options).expect("written");
        let repo = new_repo(&dir, RepoMode::BareUser);
        let image = pull(&repo, &oci(&dir, "image")).expect("pulled");
        for transport in ["oci", "oci-archive"] {
            let to = format!("{transport}:{}", dir.path().join("copy").join(transport).display());
            std::fs::create_dir_all(dir.path().join("copy")).expect("a directory");
            let done = again(&repo, &image, &to).expect("written again");
            assert!(done.original && done.same_diff_ids == written.layers, "{flavour:?} {compression}: {done:?}");
            assert_eq!(done.digest, written.digest, "{flavour:?} {compression}");
        }
    }
}

#[test]
fn other_compression_makes_another_image_of_the_same_layers() {
    let dir = temp_dir();
    let (store, commit) = sample_store();
    write(&store, &commit, &oci(&dir, "image"), &options()).expect("written");
    let repo = new_repo(&dir, RepoMode::Archive);
    let image = pull(&repo, &oci(&dir, "image")).expect("pulled");
    let done = again_as(&repo, &image, &oci(&dir, "copy"), Some(Compression::Zstd(2))).expect("written again");
    assert_eq!((done.original, done.same_diff_ids), (false, 1));
    let other = temp_dir();
    let copy = new_repo(&other, RepoMode::BareUser);
    let imported = import(&copy, &oci(&dir, "copy")).expect("imported");
    assert_eq!(imported.commit, commit);
    assert_imported(&copy, commit);
    assert_eq!(copy.read_detached(&commit).ok(), store.read_detached(&commit).ok(), "signatures survive");
}

#[test]
fn derived_layers_give_the_same_tree_and_are_stable() {
    for chunked in [false, true] {
        let dir = temp_dir();
        let repo = new_repo(&dir, RepoMode::BareUser);
        let first = pull(&repo, &derived(&dir, chunked)).expect("pulled");
        let done = again(&repo, &first, &oci(&dir, "second")).expect("written again");
        // The layer on top was written by the same code.
        assert_eq!(done.same_diff_ids, done.layers, "{done:?}");
        let label = |image: &str| Image::read(image).config.label(keys::FINAL_DIFFID_LABEL).map(str::to_owned);
        assert_eq!(
            label(&oci(&dir, "second")),
            first.config.as_ref().and_then(|c| c.label(keys::FINAL_DIFFID_LABEL)).map(str::to_owned)
        );
        for mode in [RepoMode::BareUser, RepoMode::Archive] {
            let other = temp_dir();
            let copy = new_repo(&other, mode);
            let second = pull(&copy, &oci(&dir, "second")).expect("pulled again");
            assert_eq!(root(&copy, &second.commit), root(&repo, &first.commit));
            let done = again(&copy, &second, &oci(&other, "third")).expect("written once more");
            assert!(done.original, "{done:?}");
        }
    }
}

#[test]
fn foreign_archives_get_new_digests_and_keep_tree_history_and_annotations() {
    let dir = temp_dir();
    let mut image = Image::read(&derived(&dir, true));
    let last = image.layers.len() - 2;
    // Other programs end archives in other ways.
    image.layers.last_mut().expect("a layer").extend([0; 10_240]);
    let name = image.write(&dir.path().join("foreign"), last);
    let mut image = Image::read(&name);
    image.config.history = image
        .manifest
        .layers
        .iter()
        .enumerate()
        .map(|(index, _)| oci_image::config::History {
            created_by: Some(format!("step {index}")),
            ..Default::default()
        })
        .collect();
    for (index, layer) in image.manifest.layers.iter_mut().enumerate() {
        layer.annotations.insert("position".into(), index.to_string());
        layer.annotations.insert(format!("{}x", keys::BYTES_ANNOTATIONS[0]), "of these bytes".into());
    }
    image.manifest.annotations.insert("kept".into(), "yes".into());
    let sink = disk::create_sink(&reference(&name)).expect("a sink");
    let history = image.config.history.clone();
    image.finish(&*sink);
    let repo = new_repo(&dir, RepoMode::BareUser);
    let first = pull(&repo, &name).expect("pulled");
    let done = again(&repo, &first, &oci(&dir, "copy")).expect("written again");
    assert_eq!((done.original, done.same_diff_ids), (false, done.layers - 1));
    let copy = Image::read(&oci(&dir, "copy"));
    assert_eq!(copy.config.history, history);
    assert_eq!(copy.manifest.annotations.get("kept").map(String::as_str), Some("yes"));
    for (index, layer) in copy.manifest.layers.iter().enumerate() {
        assert_eq!(layer.annotations.get("position"), Some(&index.to_string()));
        let same = layer.digest == first.manifest.layers[index].digest;
        let of_bytes = layer.annotations.keys().any(|key| key.starts_with(keys::BYTES_ANNOTATIONS[0]));
        assert_eq!(of_bytes, same, "nothing that is not true of the bytes");
    }
    let other = temp_dir();
    let copy = new_repo(&other, RepoMode::BareUser);
    let second = pull(&copy, &oci(&dir, "copy")).expect("pulled again");
    assert_eq!(root(&copy, &second.commit), root(&repo, &first.commit));
}

#[test]
fn plain_images_are_written_too() {
    let dir = temp_dir();
    let lower = layer(&[], |tree| {
        tree.file("bin/sh", 0o755, b"sh").expect("a file");
        tree.file("etc/conf", 0o644, b"conf").expect("a file");
        tree.file("etc/gone", 0o644, b"gone").expect("a file");
    });
    let upper = layer(&["/"], |tree| {
        tree.file("etc/.wh.gone", 0o644, b"").expect("a whiteout");
        tree.put(
            "bin/own",
            &ostree_core::FileHeader::regular(Owner { uid: 3_000_000, gid: 5 }, 0o4711, Xattrs::default()),
            b"own",
        )
        .expect("a file");
    });
    let name = oci(&dir, "image");
    let sink = disk::create_sink(&reference(&name)).expect("a sink");
    let mut image = plain_image(vec![lower, upper]);
    image.store_layers(&*sink);
    image.finish(&*sink);
    let repo = new_repo(&dir, RepoMode::BareUser);
    let first = pull(&repo, &name).expect("pulled");
    assert_eq!(first.base, None);
    again(&repo, &first, &oci(&dir, "copy")).expect("written again");
    let other = temp_dir();
    let copy = new_repo(&other, RepoMode::Archive);
    let second = pull(&copy, &oci(&dir, "copy")).expect("pulled again");
    assert_eq!(root(&copy, &second.commit), root(&repo, &first.commit));
}

#[test]
fn layers_that_the_place_has_are_not_written_again() {
    let dir = temp_dir();
    let name = derived(&dir, true);
    let repo = new_repo(&dir, RepoMode::BareUser);
    let image = pull(&repo, &name).expect("pulled");
    // Into the directory that has the image's own blobs, under another name.
    let done = again(&repo, &image, &format!("{name}:other")).expect("written again");
    assert!(done.original);
    assert_eq!(done.digest, image.manifest_digest);
}

#[test]
fn a_layer_that_is_gone_is_named() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::BareUser);
    let name = derived(&dir, true);
    let image = pull(&repo, &name).expect("pulled");
    for index in 1..image.layers.len() {
        let digest = image.layers[index].descriptor.digest.clone();
        let mut broken = image.clone();
        broken.layers[index].commit = None;
        let refused = again(&repo, &broken, &oci(&dir, "copy")).expect_err("a layer is missing");
        assert!(refused.to_string().contains(&digest.to_string()), "{refused}");
    }
}

#[test]
fn images_without_a_configuration_are_written_too() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::BareUser);
    let first = pull(&repo, &derived(&dir, true)).expect("pulled");
    let mut old = first.clone();
    // As old programs stored images.
    (old.config, old.original_config, old.original_manifest) = (None, None, None);
    old.layers.iter_mut().for_each(|layer| layer.diff_id = None);
    let done = again(&repo, &old, &oci(&dir, "copy")).expect("written again");
    assert!(!done.original);
    let other = temp_dir();
    let copy = new_repo(&other, RepoMode::Archive);
    let second = pull(&copy, &oci(&dir, "copy")).expect("pulled again");
    assert_eq!(second.base, first.base);
    assert_eq!(root(&copy, &second.commit), root(&repo, &first.commit));
}

#[test]
fn layers_with_parent_directories_are_recognised() {
    let (store, commit) = sample_store();
    for flavour in [Flavour::Links, Flavour::Shared] {
        let dir = temp_dir();
        let content = Some(content_meta(&store, &["one", "two", "three"]));
        let options = EncapsulateOptions { content, flavour, ..options() };
        write(&store, &commit, &oci(&dir, "sparse"), &options).expect("written");
        let mut image = Image::read(&oci(&dir, "sparse"));
        let (dirs, files) = (dirs_of(&store, &commit).expect("dirs"), files_of(&store, &commit).expect("files"));
        for tar in &mut image.layers[1..] {
            let held = import_object_set(&tar[..], &MemoryStore::new(), 0).expect("a chunk").0;
            let files = files.iter().filter(|(id, _)| held.contains(*id));
            let files = files.map(|(id, paths)| (*id, paths.clone())).collect();
            tar.clear();
            let options = ChunkOptions { flavour, parent_dirs: Some(&dirs) };
            write_chunk_layer(&store, &files, options, tar).expect("written");
        }
        let last = image.layers.len() - 1;
        let name = image.write(&dir.path().join("parents"), last);
        let repo = new_repo(&dir, RepoMode::BareUser);
        let stored = pull(&repo, &name).expect("pulled");
        let done = again(&repo, &stored, &oci(&dir, "copy")).expect("written again");
        assert!(done.original, "{flavour:?}: {done:?}");
    }
}
