//! Images that lie, are damaged or hold something else: refused, with nothing left that is seen.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use oci_image::{Digest, ImageError, disk};
use ostree_container::{ContainerError, EncapsulateOptions, keys};
use ostree_core::CommitId;
use ostree_repo::partial::{self, CommitState};
use ostree_repo::{Repo, RepoMode};
use ostree_tar::{ChunkOptions, Flavour, files_of, write_chunk_layer};
use tempfile::TempDir;
use testkit::memory_store::MemoryStore;
use testkit::sample;

use crate::support::{
    Image, assert_imported, assert_untouched, chain, content_meta, import, new_repo, options, reference, sample_store,
    temp_dir, write,
};

/// A good image in chunks, and a repository for each bad one made of it.
struct Bench {
    dir: TempDir,
    store: MemoryStore,
    commit: CommitId,
    /// How many bad images were made.
    made: Cell<u32>,
}

impl Bench {
    fn new() -> Self {
        let (store, commit) = sample_store();
        let bench = Self { dir: temp_dir(), store, commit, made: Cell::new(0) };
        let content = Some(content_meta(&bench.store, &["one", "two"]));
        write(&bench.store, &commit, &bench.good(), &EncapsulateOptions { content, ..options() }).expect("written");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A path for the next bad image.
    fn bad(&self) -> PathBuf {
        self.made.set(self.made.get() + 1);
        self.path(&format!("bad-{}", self.made.get()))
    }

    fn good(&self) -> String {
        format!("oci:{}", self.path("good").display())
    }

    /// The good image, for changing.
    fn image(&self) -> Image {
        Image::read(&self.good())
    }

    /// A copy of the good image whose layer `index` has the bytes that `change` makes of its own.
    fn damaged(&self, index: usize, change: impl FnOnce(&mut Vec<u8>)) -> String {
        let path = self.bad();
        copy_dir(&self.path("good"), &path);
        let blob = Image::blob(&path, &self.image().manifest.layers[index].digest);
        let mut bytes = fs::read(&blob).expect("readable");
        change(&mut bytes);
        fs::remove_file(&blob).expect("own file");
        fs::write(&blob, bytes).expect("writable");
        format!("oci:{}", path.display())
    }

    /// The error of importing `bad`; then a good import must work in the same repository.
    fn refused(&self, bad: &str) -> ContainerError {
        let dir = temp_dir();
        let repo = new_repo(&dir, RepoMode::BareUser);
        let error = import(&repo, bad).expect_err("a bad image");
        assert_untouched(&repo);
        assert!(import(&repo, bad).is_err(), "what was staged makes it no better");
        assert_untouched(&repo);
        self.good_import_works(&repo);
        error
    }

    fn good_import_works(&self, repo: &Repo) {
        assert_eq!(import(repo, &self.good()).expect("imported").commit, self.commit);
        assert_imported(repo, self.commit);
        assert_eq!(partial::state(repo, &self.commit).expect("readable"), CommitState::Complete);
    }
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a new directory");
    for entry in fs::read_dir(from).expect("readable").flatten() {
        match entry.file_type().expect("known").is_dir() {
            true => copy_dir(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).expect("copied")),
        }
    }
}

#[test]
fn derived_images_are_refused_with_advice() {
    let bench = Bench::new();
    let mut image = bench.image();
    let last = image.layers.len() - 1;
    image.layers.push(vec![0; 1024]);
    let error = bench.refused(&image.write(&bench.bad(), last));
    assert!(matches!(error, ContainerError::Derived { count: 1 }), "{error:?}");
    assert_eq!(error.to_string(), "Image has 1 non-ostree layers; pull it with `image pull`, which keeps them");
}

#[test]
fn images_without_labels_are_refused() {
    let bench = Bench::new();
    let mut image = bench.image();
    image.config.config = None;
    let bad = format!("oci:{}", bench.bad().display());
    let sink = disk::create_sink(&reference(&bad)).expect("a sink");
    image.finish(&*sink);
    let error = bench.refused(&bad);
    assert!(matches!(error, ContainerError::NotEncapsulated { label: "ostree.final-diffid" }), "{error:?}");
}

#[test]
fn blobs_must_have_their_digest_and_size() {
    let bench = Bench::new();
    for index in [0, 1] {
        // The operating system in the gzip header: the layer decompresses as before.
        let error = bench.refused(&bench.damaged(index, |bytes| bytes[9] ^= 1));
        assert!(matches!(error, ContainerError::Image(ImageError::DigestMismatch { .. })), "{error:?}");
        let error = bench.refused(&bench.damaged(index, |bytes| bytes.push(0)));
        assert!(matches!(error, ContainerError::Image(ImageError::SizeMismatch { .. })), "{error:?}");
        let error = bench.refused(&bench.damaged(index, |bytes| bytes.truncate(bytes.len() / 2)));
        assert!(matches!(error, ContainerError::Image(_)), "{error:?}");
    }
}

#[test]
fn layers_must_have_their_diff_id() {
    let bench = Bench::new();
    for index in [0, 1] {
        let path = bench.bad();
        copy_dir(&bench.path("good"), &path);
        let mut image = bench.image();
        image.config.rootfs.diff_ids[index] = Digest::sha256(b"a lie");
        let bad = format!("oci:{}", path.display());
        let sink = disk::create_sink(&reference(&bad)).expect("a sink");
        image.finish(&*sink);
        let error = bench.refused(&bad);
        assert!(error.to_string().contains("uncompressed: expected digest"), "{error}");
    }
}

#[test]
fn the_label_must_name_the_commit() {
    let bench = Bench::new();
    let mut image = bench.image();
    image.label(keys::COMMIT_LABEL, &"0a".repeat(32));
    let last = image.layers.len() - 1;
    let error = bench.refused(&image.write(&bench.bad(), last));
    assert!(matches!(&error, ContainerError::OtherCommit { found, .. } if *found == bench.commit), "{error:?}");
}

/// The digests fit, so that only the reader of the tar can notice.
#[test]
fn truncated_tars_are_refused() {
    let bench = Bench::new();
    for index in [0, 1] {
        let mut image = bench.image();
        let last = image.layers.len() - 1;
        let tar = &mut image.layers[index];
        tar.truncate(tar.len() - 1024 - 256);
        let error = bench.refused(&image.write(&bench.bad(), last));
        assert!(matches!(error, ContainerError::Layer { .. }), "{error:?}");
        assert!(chain(&error).contains("cut off at byte"), "{}", chain(&error));
    }
}

#[test]
fn chunks_hold_nothing_foreign() {
    let bench = Bench::new();
    let other = MemoryStore::new();
    let foreign = sample::sysroot_only_commit(&other).expect("the sample is valid");
    let files = files_of(&other, &foreign).expect("whole");
    let mut chunk = Vec::new();
    let chunk_options = ChunkOptions { flavour: Flavour::default(), parent_dirs: None };
    write_chunk_layer(&other, &files, chunk_options, &mut chunk).expect("written");
    let mut image = bench.image();
    let last = image.layers.len() - 1;
    image.layers[last] = chunk;
    let error = bench.refused(&image.write(&bench.bad(), last));
    assert!(matches!(error, ContainerError::Foreign { count: 1, .. }), "{error:?}");
    assert!(error.to_string().contains(&files.keys().next().expect("a file").to_string()), "{error}");
}

#[test]
fn every_object_must_be_in_some_layer() {
    let bench = Bench::new();
    let mut image = bench.image();
    let last = image.layers.len() - 1;
    let lost = ostree_tar::import_object_set(&image.layers[1][..], &MemoryStore::new(), 0).expect("readable").0;
    // Another end than that of the reserved layer, which is empty as well: no two layers have the same diff-id.
    image.layers[1] = [image.layers[last].as_slice(), &[0; 512]].concat();
    let error = bench.refused(&image.write(&bench.bad(), last));
    match error {
        ContainerError::Incomplete { count, first, .. } => {
            assert_eq!((count, Some(first)), (lost.len(), lost.first().map(ostree_core::FileId::object)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failed_import_over_a_whole_commit_leaves_it_whole() {
    let bench = Bench::new();
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::BareUser);
    bench.good_import_works(&repo);
    assert!(import(&repo, &bench.damaged(1, |bytes| bytes[9] ^= 1)).is_err());
    assert_imported(&repo, bench.commit);
    assert_eq!(partial::state(&repo, &bench.commit).expect("readable"), CommitState::Complete);
}

/// The staged part of a bad import becomes visible with the next transaction, but stays marked as partial.
#[test]
fn a_half_imported_commit_is_marked() {
    let bench = Bench::new();
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::Archive);
    assert!(import(&repo, &bench.damaged(1, |bytes| bytes.truncate(bytes.len() / 2))).is_err());
    assert_eq!(partial::state(&repo, &bench.commit).expect("readable"), CommitState::Partial);
    let store = MemoryStore::new();
    let small = sample::small_commit(&store).expect("the sample is valid");
    let other = format!("oci:{}", bench.path("other").display());
    write(&store, &small, &other, &options()).expect("written");
    import(&repo, &other).expect("imported");
    assert_eq!(partial::state(&repo, &small).expect("readable"), CommitState::Complete);
    assert_eq!(partial::state(&repo, &bench.commit).expect("readable"), CommitState::Partial);
    bench.good_import_works(&repo);
}
