//! A listener that checks what it is told, and tests of what is said beforehand.

use std::sync::{Mutex, MutexGuard};

use oci_image::disk;
use ostree_container::derive::{Parent, derive};
use ostree_container::detach::{DetachOptions, replace_detached_metadata};
use ostree_container::reexport::{ReexportOptions, reexport};
use ostree_container::{EncapsulateOptions, Event, Listener, encapsulate};
use ostree_repo::{RepoMode, create};
use ostree_tar::Flavour;

use crate::pulled::{commit_to, pull};
use crate::support::{Image, content_meta, new_repo, options, reference, sample_store, temp_dir};

/// Checks that an operation starts once, that bytes never pass the total that was said, and have reached it at the end.
#[derive(Default)]
pub struct Watched(Mutex<Told>);

#[derive(Default, Clone, Copy)]
struct Told {
    begun: bool,
    total: u64,
    bytes: u64,
    kept: u64,
}

impl Listener for Watched {
    fn event(&self, event: Event) {
        let mut told = self.lock();
        match event {
            Event::Start { bytes, .. } => {
                assert!(!told.begun, "begun before the end");
                *told = Told { begun: true, total: bytes, ..Told::default() }
            }
            Event::Total { bytes, .. } => told.total = bytes,
            Event::Bytes(bytes) => told.bytes = told.bytes.max(bytes),
            Event::Kept(bytes) => told.kept = told.kept.max(bytes),
            Event::Done => {
                assert_eq!(told.bytes + told.kept, told.total, "at the end");
                told.begun = false;
            }
            Event::Layer { .. } | Event::LayerBytes { .. } | Event::Finishing => {}
        }
        assert!(told.bytes + told.kept <= told.total, "{} of {}", told.bytes, told.total);
    }
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().expect("nothing failed")
    }

    /// What was said beforehand.
    fn total(&self) -> u64 {
        self.lock().total
    }
}

fn lengths<'a>(layers: impl IntoIterator<Item = &'a Vec<u8>>) -> u64 {
    layers.into_iter().map(|layer| layer.len() as u64).sum()
}

#[test]
fn what_is_written_is_known_beforehand() {
    let (store, commit) = sample_store();
    let dir = temp_dir();
    let oci = |name: &str| format!("oci:{}", dir.path().join(name).display());
    for (flavour, chunks) in [(Flavour::Links, true), (Flavour::Shared, true), (Flavour::Links, false)] {
        let content = chunks.then(|| content_meta(&store, &["one", "two"]));
        let options = EncapsulateOptions { flavour, content, ..options() };
        let watched = Watched::default();
        let sink = disk::create_sink(&reference(&oci("image"))).expect("a place");
        let written = encapsulate(&store, &commit, &*sink, &options, &watched).expect("written");
        assert_eq!(watched.total(), written.uncompressed, "{flavour:?} {chunks}");
    }

    let repo = new_repo(&dir, RepoMode::BareUser);
    let image = pull(&repo, &oci("image")).expect("pulled");
    // The second time, all layers are there.
    for there in [false, true] {
        let watched = Watched::default();
        let sink = disk::create_sink(&reference(&oci("copy"))).expect("a place");
        reexport(&repo, &image, &*sink, &ReexportOptions::default(), &watched).expect("written again");
        let missing = if there { 0 } else { lengths(&Image::read(&oci("copy")).layers) };
        assert_eq!(watched.total(), missing);
    }
}

#[test]
fn what_is_taken_over_is_known_beforehand() {
    let dir = temp_dir();
    let oci = |name: &str| format!("oci:{}", dir.path().join(name).display());
    let repo = new_repo(&dir, RepoMode::BareUser);
    let release = |number: &'static [u8]| {
        commit_to(&repo, move |tree| {
            tree.file("usr/bin/tool", 0o755, number).expect("a file");
        })
    };
    let (one, two) = (release(b"1"), release(b"2"));
    let parent = reference(&oci("one"));
    let sink = disk::create_sink(&parent).expect("a place");
    encapsulate(&repo, &one, &*sink, &options(), &Watched::default()).expect("written");

    let scratch = create(&dir.path().join("scratch"), RepoMode::BareUser, None).expect("a repository");
    let source = disk::open_source(&parent).expect("an image");
    let sink = disk::create_sink(&reference(&oci("two"))).expect("a place");
    let watched = Watched::default();
    let on = Parent { image: &parent, source: &*source, scratch: &scratch, parallel_fetches: None };
    derive((&repo, &two), &on, &*sink, &options(), &watched).expect("derived");
    let (old, new) = (Image::read(&oci("one")), Image::read(&oci("two")));
    let taken_over: u64 = old.manifest.layers.iter().map(|layer| layer.size).sum();
    assert_eq!(new.layers.len(), old.layers.len() + 1);
    // The parent is unpacked first, which is one operation with the rest.
    assert_eq!(watched.total(), taken_over * 2 + lengths(new.layers.last()));

    let sink = disk::create_sink(&reference(&oci("signed"))).expect("a place");
    let options = DetachOptions { platform: Some("linux/amd64".parse().expect("a platform")), jobs: None };
    let watched = Watched::default();
    replace_detached_metadata(&*source, &*sink, None, &options, &watched).expect("replaced");
    assert_eq!(watched.total(), taken_over);
}
