//! Whole images: every transport on disk, every number of threads, one layer or many.

use std::num::NonZeroUsize;

use ostree_container::{ContainerError, EncapsulateOptions};
use ostree_core::ReadObject;
use ostree_repo::RepoMode;
use testkit::memory_store::MemoryStore;
use testkit::sample;

use crate::support::{
    Image, assert_imported, content_meta, files_below, import, new_repo, options, sample_store, temp_dir, write,
};

#[test]
fn every_transport_gives_the_commit_back() {
    let (store, commit) = sample_store();
    for mode in [RepoMode::BareUser, RepoMode::Archive] {
        for transport in ["oci", "oci-archive", "dir", "docker-archive"] {
            let dir = temp_dir();
            let image = format!("{transport}:{}", dir.path().join("image").display());
            write(&store, &commit, &image, &options()).expect("written");
            let repo = new_repo(&dir, mode);
            let imported = import(&repo, &image).expect("imported");
            assert_eq!(imported.commit, commit, "{transport}");
            assert_imported(&repo, commit);
            assert_eq!(repo.read_detached(&commit).ok(), store.read_detached(&commit).ok());
            assert_eq!(import(&repo, &image).expect("once more").digest, imported.digest);
            assert_imported(&repo, commit);
        }
    }
}

#[test]
fn digests_depend_on_nothing_but_commit_and_options() {
    let (store, commit) = sample_store();
    let content = content_meta(&store, &["one", "two", "three"]);
    for content in [None, Some(content)] {
        let mut seen = Vec::new();
        for jobs in [1, 2, 7] {
            let dir = temp_dir();
            let jobs = NonZeroUsize::new(jobs);
            let options = EncapsulateOptions { jobs, content: content.clone(), ..options() };
            let path = dir.path().join("image");
            let written = write(&store, &commit, &format!("oci:{}", path.display()), &options).expect("written");
            let files = files_below(&path).into_iter();
            let files: Vec<_> =
                files.map(|(file, bytes)| (file.strip_prefix(&path).map(Into::into).ok(), bytes)).collect();
            seen.push((written, files as Vec<(Option<std::path::PathBuf>, Vec<u8>)>));
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[test]
fn chunked_images_give_the_commit_back() {
    let (store, commit) = sample_store();
    let dir = temp_dir();
    let image = format!("oci:{}:tag", dir.path().join("image").display());
    let content = Some(content_meta(&store, &["one", "two", "three", "four"]));
    let written = write(&store, &commit, &image, &EncapsulateOptions { content, ..options() }).expect("written");
    assert_eq!(written.layers, 6, "the commit's, four, and the reserved one");
    for mode in [RepoMode::BareUser, RepoMode::Archive] {
        let dir = temp_dir();
        let repo = new_repo(&dir, mode);
        assert_eq!(import(&repo, &image).expect("imported").commit, commit);
        assert_imported(&repo, commit);
    }
}

#[test]
fn layers_stand_in_the_order_of_the_plan_and_hold_what_it_says() {
    let (store, commit) = sample_store();
    let dir = temp_dir();
    let image = format!("oci:{}", dir.path().join("image").display());
    let content = Some(content_meta(&store, &["z", "a", "m"]));
    write(&store, &commit, &image, &EncapsulateOptions { content, ..options() }).expect("written");
    let image = Image::read(&image);
    let components = |layer: &oci_image::Descriptor| layer.annotations.get("ostree.components").cloned();
    let named: Vec<_> = image.manifest.layers.iter().map(components).collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(named, [None, some("Layer z"), some("Layer a"), some("Layer m"), some("")]);
    let mut files = 0;
    for tar in &image.layers[1..] {
        files += ostree_tar::import_object_set(&tar[..], &MemoryStore::new(), 0).expect("file objects alone").0.len();
    }
    let all = store.names().iter().filter(|name| name.kind == ostree_core::ObjectKind::File).count();
    assert_eq!(files, all, "each file object once");
}

#[test]
fn a_commit_with_nothing_but_sysroot_is_whole() {
    let store = MemoryStore::new();
    let commit = sample::sysroot_only_commit(&store).expect("the sample is valid");
    let dir = temp_dir();
    let image = format!("oci-archive:{}", dir.path().join("image").display());
    write(&store, &commit, &image, &options()).expect("written");
    let repo = new_repo(&dir, RepoMode::Archive);
    import(&repo, &image).expect("imported");
    assert_imported(&repo, commit);
}

#[test]
fn an_incomplete_commit_makes_no_image() {
    let (store, commit) = sample_store();
    let lost = store.names().into_iter().find(|name| name.kind == ostree_core::ObjectKind::File).expect("a file");
    assert!(store.remove(&lost));
    let dir = temp_dir();
    let path = dir.path().join("image");
    let refused =
        write(&store, &commit, &format!("oci:{}", path.display()), &options()).expect_err("an object is missing");
    assert!(crate::support::chain(&refused).contains(&lost.checksum.to_string()), "{refused:?}");
    assert!(matches!(refused, ContainerError::Layer { .. } | ContainerError::Store(_)), "{refused:?}");
    assert!(!path.join("index.json").exists(), "nothing names an image");
}
