//! Pulls that lose their source in the middle, and the ones that go on after them.

use std::fs;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use oci_image::source::RawManifest;
use oci_image::{Descriptor, Digest, ImageError, ImageReference, ImageSource, Platform, disk};
use ostree_container::layered::{self, Prepared, PullOptions};
use ostree_container::{ContainerError, ImportOptions, unencapsulate};
use ostree_core::walk;
use ostree_repo::fsck::FsckOptions;
use ostree_repo::{Repo, RepoMode, TransactionOptions, create, list};
use tempfile::TempDir;

use crate::pulled::{layer, pull, pull_from};
use crate::support::{Image, content_meta, options, reference, sample_store, temp_dir, write};
use crate::watched::Watched;

/// A source that is lost after so many layers, and knows which it gave.
struct Lost {
    source: Box<dyn ImageSource>,
    left: AtomicUsize,
    given: Mutex<Vec<Digest>>,
}

impl Lost {
    fn after(image: &ImageReference, layers: usize) -> Self {
        let source = disk::open_source(image).expect("an image");
        Self { source, left: AtomicUsize::new(layers), given: Mutex::default() }
    }

    fn given(self) -> usize {
        self.given.into_inner().expect("nobody panicked").len()
    }
}

impl ImageSource for Lost {
    fn name(&self) -> String {
        self.source.name()
    }

    fn manifest(&self) -> Result<RawManifest, ImageError> {
        self.source.manifest()
    }

    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError> {
        self.source.manifest_at(descriptor)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
        self.source.blob(descriptor)
    }

    fn blob_with_kept(&self, descriptor: &Descriptor, _: &Arc<AtomicU64>) -> Result<Box<dyn Read + Send>, ImageError> {
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            let source = io::Error::other("lost");
            return Err(ImageError::Io { action: "reading", path: "layer".into(), source });
        }
        self.given.lock().expect("nobody panicked").push(descriptor.digest.clone());
        self.source.blob(descriptor)
    }
}

/// One layer after the other.
fn in_turn() -> PullOptions<'static> {
    PullOptions {
        jobs: NonZeroUsize::new(1),
        parallel_fetches: NonZeroUsize::new(1),
        transaction: TransactionOptions { fsync: Some(true), per_object_fsync: Some(false) },
        ..PullOptions::default()
    }
}

/// An image of a commit in four layers, with `derived` more on top.
fn image(dir: &TempDir, derived: usize) -> ImageReference {
    let (store, commit) = sample_store();
    let content = Some(content_meta(&store, &["one", "two"]));
    let base = format!("oci:{}", dir.path().join("base").display());
    let made = ostree_container::EncapsulateOptions { content, ..options() };
    write(&store, &commit, &base, &made).expect("encapsulated");
    let mut image = Image::read(&base);
    let last = image.layers.len() - 1;
    assert_eq!(last, 3);
    image.layers.extend((0..derived).map(|number| {
        layer(&["/"], |tree| {
            let path = format!("usr/share/derived/{number}");
            tree.file(&path, 0o644, path.as_bytes()).expect("a file");
        })
    }));
    reference(&image.write(&dir.path().join("image"), last))
}

fn repo(dir: &TempDir, mode: RepoMode) -> Repo {
    create(&dir.path().join("repo"), mode, None).expect("a new repository")
}

fn assert_sound(repo: &Repo) {
    let report = ostree_repo::fsck::fsck(repo, &FsckOptions::default(), &mut |_| {}).expect("it ran");
    report.verdict().expect("sound");
}

/// How many notes and unfinished blobs there are.
fn left_behind(repo: &Repo) -> usize {
    let cached = ["layers", "blobs"].map(|name| repo.path().join("tmp/cache").join(name).read_dir());
    cached.into_iter().flatten().map(Iterator::count).sum()
}

#[test]
fn what_was_read_before_the_source_was_lost_is_not_read_again() {
    let dir = temp_dir();
    let image = image(&dir, 2);
    let whole = temp_dir();
    let expected = pull(&repo(&whole, RepoMode::Archive), &image.to_string()).expect("pulled").commit;
    for mode in [RepoMode::Archive, RepoMode::BareUser] {
        for lost in 1..6 {
            let dir = temp_dir();
            let repo = repo(&dir, mode);
            let source = Lost::after(&image, lost);
            pull_from(&source, &image, &repo, in_turn()).expect_err("it was lost");
            assert_sound(&repo);
            // One run more that gets one layer further.
            let source = Lost::after(&image, 1);
            let second = pull_from(&source, &image, &repo, in_turn());
            assert_eq!((source.given(), second.is_ok()), (1, lost == 5));
            let source = Lost::after(&image, 6);
            let commit = pull_from(&source, &image, &repo, in_turn()).expect("pulled").commit;
            assert_eq!((source.given(), commit), (6 - lost - 1, expected), "lost after {lost}");
            assert_sound(&repo);
            assert_eq!(left_behind(&repo), 0);
        }
    }
}

#[test]
fn a_commit_taken_out_goes_on_after_its_layers() {
    let dir = temp_dir();
    let image = image(&dir, 0);
    for lost in 1..4 {
        let dir = temp_dir();
        let repo = repo(&dir, RepoMode::BareUser);
        let run = |layers| {
            let source = Lost::after(&image, layers);
            let options = ImportOptions {
                platform: Some(Platform::linux("amd64")),
                jobs: NonZeroUsize::new(1),
                parallel_fetches: NonZeroUsize::new(1),
                transaction: in_turn().transaction,
                ..ImportOptions::default()
            };
            let commit = unencapsulate(&source, &repo, &options, &Watched::default()).map(|done| done.commit);
            (source.given(), commit)
        };
        assert!(run(lost).1.is_err());
        assert_sound(&repo);
        let (given, commit) = run(9);
        assert_eq!(given, 4 - lost);
        assert!(walk::missing(&repo, &commit.expect("taken out")).expect("readable").is_empty());
        assert_eq!(left_behind(&repo), 0);
    }
}

/// The notes of an interrupted pull, each with the digest it is about.
fn notes(repo: &Repo) -> Vec<std::path::PathBuf> {
    let dir = repo.path().join("tmp/cache/layers").read_dir().expect("notes");
    dir.map(|entry| entry.expect("readable").path()).collect()
}

#[test]
fn a_note_is_believed_only_as_far_as_the_objects_are_there() {
    let dir = temp_dir();
    let image = image(&dir, 0);
    let lose = |repo: &Repo| {
        pull_from(&Lost::after(&image, 3), &image, repo, in_turn()).expect_err("it was lost");
        assert_eq!(notes(repo).len(), 3);
    };
    let again = |repo: &Repo| {
        let source = Lost::after(&image, 9);
        let pulled = pull_from(&source, &image, repo, in_turn());
        (source.given(), pulled)
    };

    // An object that somebody took away, as a prune may.
    let here = temp_dir();
    let pruned = repo(&here, RepoMode::BareUser);
    lose(&pruned);
    let chunk = notes(&pruned).into_iter().map(|note| fs::read_to_string(note).expect("a note"));
    let chunk = chunk.into_iter().find(|text| text.starts_with("chunk")).expect("one of a chunk");
    let file = ostree_core::FileId::new(chunk.lines().nth(1).expect("a file").parse().expect("a checksum"));
    fs::remove_file(pruned.object_path(&file.object())).expect("it is among the others");
    let (given, pulled) = again(&pruned);
    assert_eq!(given, 2);
    pulled.expect("pulled");

    // Notes that were torn, or are none.
    for spoil in [|text: &mut String| text.truncate(70), |text: &mut String| *text = text.replace("chunk", "derived")] {
        let here = temp_dir();
        let torn = repo(&here, RepoMode::BareUser);
        lose(&torn);
        let mut spoilt = 0;
        for note in notes(&torn) {
            let mut text = fs::read_to_string(&note).expect("a note");
            let before = text.clone();
            spoil(&mut text);
            spoilt += usize::from(text != before);
            fs::write(note, text).expect("written");
        }
        assert!(spoilt >= 2);
        let (given, pulled) = again(&torn);
        assert_eq!(given, 1 + spoilt);
        pulled.expect("pulled");
    }
}

#[test]
fn what_is_at_hand_is_not_counted_as_to_come() {
    let dir = temp_dir();
    let image = image(&dir, 1);
    let here = temp_dir();
    let repo = repo(&here, RepoMode::BareUser);
    pull_from(&Lost::after(&image, 3), &image, &repo, in_turn()).expect_err("it was lost");
    let source = Lost::after(&image, 0);
    let platform = Platform::linux("amd64");
    let prepared = layered::prepare(&source, &image, &repo, &platform, &mut |problem| panic!("{problem}"));
    let Prepared::Pull(plan) = prepared.expect("planned") else { panic!("it is not there") };
    let sizes: Vec<u64> = plan.layers.iter().map(|planned| planned.layer.descriptor.size).collect();
    assert_eq!((plan.present(), plan.needed()), (0, 5));
    assert_eq!(plan.bytes_to_come(), sizes[3..].iter().sum::<u64>());
    assert_eq!(plan.need().bytes, sizes[3..].iter().sum::<u64>());
    let kept: Vec<u64> = plan.layers.iter().map(|planned| plan.kept_bytes(planned)).collect();
    assert_eq!(kept, [&sizes[..3], &[0, 0]].concat());
}

#[test]
fn nothing_is_noted_of_an_image_that_is_refused() {
    let dir = temp_dir();
    let image = image(&dir, 0);
    let mut lying = Image::read(&image.to_string());
    lying.label(ostree_container::keys::COMMIT_LABEL, &"00".repeat(32));
    let name = reference(&lying.write(&dir.path().join("lying"), 3));
    let here = temp_dir();
    let repo = repo(&here, RepoMode::BareUser);
    let refused = pull_from(&Lost::after(&name, 9), &name, &repo, in_turn());
    assert!(matches!(refused, Err(ContainerError::OtherCommit { .. })), "{refused:?}");
    assert_eq!(left_behind(&repo), 0);
    assert_eq!(list::commits(&repo).expect("readable"), []);
}
