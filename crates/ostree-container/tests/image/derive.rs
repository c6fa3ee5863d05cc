//! Images that stand on others, and images made into such that hold a commit.

use oci_image::disk;
use ostree_container::convert::{ConvertOptions, Converted, convert};
use ostree_container::derive::{Derived, Parent, derive};
use ostree_container::layered::PullOptions;
use ostree_container::{ContainerError, EncapsulateOptions, keys};
use ostree_core::metadata;
use ostree_core::{CommitId, DirMeta, Owner, Xattrs, mode, walk};
use ostree_repo::{Repo, RepoMode};
use tempfile::TempDir;
use testkit::sample::{self, SampleTree};

use crate::pulled::{commit_to, layer, plain_image, pull, root};
use crate::support::{Image, import, new_repo, options, reference, temp_dir, write};
use crate::watched::Watched;

fn oci(dir: &TempDir, name: &str) -> String {
    format!("oci:{}", dir.path().join(name).display())
}

/// Files that two releases have.
fn common(tree: &mut SampleTree<'_>) {
    tree.file("usr/lib/large", 0o644, &sample::noise(3, 200_000)).expect("a file");
    tree.file("usr/etc/conf", 0o644, b"conf").expect("a file");
    tree.symlink("usr/lib/link", "large").expect("a symlink");
    tree.plain_dir("var").expect("a directory");
    tree.plain_dir("sysroot").expect("a directory");
}

fn old(tree: &mut SampleTree<'_>) {
    common(tree);
    tree.file("usr/bin/tool", 0o755, b"version 1").expect("a file");
    tree.file("usr/bin/gone", 0o755, b"gone").expect("a file");
    tree.file("usr/share/doc/x", 0o644, b"x").expect("a file");
    tree.file("usr/etc/gone.d/y", 0o644, b"y").expect("a file");
    tree.file("usr/lib/was-file", 0o644, b"f").expect("a file");
    tree.file("usr/lib/was-dir/f", 0o644, b"f").expect("a file");
}

fn new(tree: &mut SampleTree<'_>) {
    common(tree);
    tree.file("usr/bin/tool", 0o755, b"version 2").expect("a file");
    tree.file("usr/bin/added", 0o4755, b"added").expect("a file");
    tree.file("usr/etc/new.d/z", 0o600, b"z").expect("a file");
    tree.file("usr/lib/was-file/f", 0o644, b"f").expect("a file");
    tree.file("usr/lib/was-dir", 0o644, b"f").expect("a file");
    let owner = Owner { uid: 5, gid: 6 };
    tree.dir("usr/share", &DirMeta { owner, mode: mode::DIRECTORY | 0o711, xattrs: Xattrs::default() })
        .expect("a directory");
}

fn put_on(dir: &TempDir, repo: &Repo, commit: &CommitId, parent: &str, to: &str) -> Result<Derived, ContainerError> {
    let place = tempfile::tempdir_in(dir.path()).expect("a directory");
    let scratch = ostree_repo::create(&place.path().join("scratch"), RepoMode::BareUser, None).expect("a repository");
    let name = reference(parent);
    let source = disk::open_source(&name)?;
    let sink = disk::create_sink(&reference(to))?;
    let parent = Parent { image: &name, source: &*source, scratch: &scratch, parallel_fetches: None };
    derive((repo, commit), &parent, &*sink, &options(), &Watched::default())
}

#[test]
fn on_an_earlier_release_only_what_differs_is_added() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::BareUser);
    let (first, second) = (commit_to(&repo, old), commit_to(&repo, new));
    write(&repo, &first, &oci(&dir, "one"), &options()).expect("written");
    let whole = write(&repo, &second, &oci(&dir, "whole"), &options()).expect("written");
    let made = put_on(&dir, &repo, &second, &oci(&dir, "one"), &oci(&dir, "two")).expect("derived");
    assert_eq!(made.outside, Vec::<String>::new());
    assert!(made.added * 10 < whole.size, "{} of {}", made.added, whole.size);
    let (one, two) = (Image::read(&oci(&dir, "one")), Image::read(&oci(&dir, "two")));
    assert_eq!(two.manifest.layers[..1], one.manifest.layers[..], "the parent's layers come first");
    assert_eq!((two.layers.len(), made.layers), (2, 2));
    assert_eq!(two.config.label(keys::TREE_COMMIT_LABEL), Some(second.to_string().as_str()));
    assert_eq!(two.config.label(keys::COMMIT_LABEL), Some(first.to_string().as_str()));
    for mode in [RepoMode::BareUser, RepoMode::Archive] {
        let other = temp_dir();
        let copy = new_repo(&other, mode);
        let stored = pull(&copy, &oci(&dir, "two")).expect("pulled");
        assert_eq!(stored.base, Some(first));
        assert_eq!(root(&copy, &stored.commit), root(&repo, &second));
    }
}

#[test]
fn on_a_plain_image_the_tree_is_the_commits() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::Archive);
    let commit = commit_to(&repo, new);
    let name = oci(&dir, "plain");
    let sink = disk::create_sink(&reference(&name)).expect("a sink");
    let mut image = plain_image(vec![layer(&[], old)]);
    image.store_layers(&*sink);
    image.config.config.get_or_insert_default().env = Some(vec!["A=b".into()]);
    image.finish(&*sink);
    let made = put_on(&dir, &repo, &commit, &name, &oci(&dir, "two")).expect("derived");
    let two = Image::read(&oci(&dir, "two"));
    assert_eq!(two.config.config.as_ref().and_then(|config| config.env.clone()), Some(vec!["A=b".into()]));
    assert_eq!(two.config.label(keys::FINAL_DIFFID_LABEL), None);
    let other = temp_dir();
    let copy = new_repo(&other, RepoMode::BareUser);
    let stored = pull(&copy, &oci(&dir, "two")).expect("pulled");
    assert_eq!((stored.base, made.layers), (None, 2));
    assert_eq!(root(&copy, &stored.commit), root(&repo, &commit));
}

#[test]
fn the_same_content_adds_no_layer() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::BareUser);
    let commit = commit_to(&repo, new);
    write(&repo, &commit, &oci(&dir, "one"), &options()).expect("written");
    let made = put_on(&dir, &repo, &commit, &oci(&dir, "one"), &oci(&dir, "two")).expect("derived");
    assert_eq!((made.layers, made.added), (1, 0));
    let other = temp_dir();
    let copy = new_repo(&other, RepoMode::BareUser);
    let stored = pull(&copy, &oci(&dir, "two")).expect("pulled");
    assert_eq!(root(&copy, &stored.commit), root(&repo, &commit));
}

#[test]
fn what_a_layer_cannot_say_is_refused_and_what_is_left_out_is_told() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::BareUser);
    let first = commit_to(&repo, old);
    write(&repo, &first, &oci(&dir, "one"), &options()).expect("written");
    let bad = commit_to(&repo, |tree| {
        tree.file("usr/lib/.wh.large", 0o644, b"not a whiteout").expect("a file");
    });
    let refused = put_on(&dir, &repo, &bad, &oci(&dir, "one"), &oci(&dir, "two")).expect_err("no layer can hold it");
    assert!(refused.to_string().contains("/usr/lib/.wh.large"), "{refused}");
    let outside = commit_to(&repo, |tree| {
        old(tree);
        tree.file("opt/app", 0o755, b"app").expect("a file");
    });
    let made = put_on(&dir, &repo, &outside, &oci(&dir, "one"), &oci(&dir, "two")).expect("derived");
    assert_eq!(made.outside, ["/opt/app", "/opt"]);
}

fn make(repo: &Repo, image: &str, to: &str) -> Result<Converted, ContainerError> {
    let name = reference(image);
    let source = disk::open_source(&name)?;
    let sink = disk::create_sink(&reference(to))?;
    let options =
        ConvertOptions { pull: PullOptions::default(), image: EncapsulateOptions::default(), write_ref: None };
    convert((&*source, &name), repo, &*sink, options, &Watched::default())
}

#[test]
fn a_plain_image_becomes_one_with_a_commit() {
    let dir = temp_dir();
    let name = oci(&dir, "plain");
    let sink = disk::create_sink(&reference(&name)).expect("a sink");
    let mut image = plain_image(vec![
        layer(&[], |tree| {
            tree.file("etc/conf", 0o644, b"conf").expect("a file");
            tree.file("etc/gone", 0o644, b"gone").expect("a file");
            tree.file("usr/lib/modules/6.1/vmlinuz", 0o644, b"kernel").expect("a file");
            tree.symlink("bin", "usr/bin").expect("a symlink");
        }),
        layer(&["/", "/etc"], |tree| {
            tree.file("etc/.wh.gone", 0o644, b"").expect("a whiteout");
        }),
    ]);
    image.store_layers(&*sink);
    let config = image.config.config.get_or_insert_default();
    config.cmd = Some(vec!["/bin/run".into()]);
    config.entrypoint = Some(vec!["/init".into()]);
    config.extra.insert("ExposedPorts".into(), serde_json::json!({"80/tcp": {}}));
    config.labels.insert("org.opencontainers.image.version".into(), "7".into());
    image.config.created = Some("2023-11-14T22:13:20Z".into());
    image.config.architecture = "arm64".into();
    image.finish(&*sink);
    let mut commits = Vec::new();
    for mode in [RepoMode::BareUser, RepoMode::Archive] {
        let place = temp_dir();
        let repo = new_repo(&place, mode);
        let done = make(&repo, &name, &oci(&place, "made")).expect("converted");
        let other = temp_dir();
        let copy = new_repo(&other, RepoMode::Archive);
        assert_eq!(import(&copy, &oci(&place, "made")).expect("imported").commit, done.commit);
        let commit = walk::load_commit(&copy, &done.commit).expect("a commit");
        assert_eq!(commit.metadata.get_str(metadata::VERSION), Some("7"));
        assert_eq!(commit.metadata.get_str(metadata::LINUX), Some("6.1"));
        assert_eq!(commit.timestamp, 1_700_000_000);
        let made = Image::read(&oci(&place, "made"));
        let config = made.config.config.clone().expect("a configuration");
        assert_eq!(config.cmd, Some(vec!["/bin/run".into()]));
        assert_eq!(config.entrypoint, Some(vec!["/init".into()]));
        assert!(config.extra.contains_key("ExposedPorts"));
        assert_eq!(made.config.architecture, "arm64");
        assert_eq!(made.config.label(keys::BOOTC_LABEL), Some("1"));
        commits.push((done.commit, done.image.digest));
    }
    assert_eq!(commits[0], commits[1], "the result depends on the image alone");
}

#[test]
fn an_image_with_a_commit_keeps_it() {
    let dir = temp_dir();
    let repo = new_repo(&dir, RepoMode::BareUser);
    let commit = commit_to(&repo, old);
    write(&repo, &commit, &oci(&dir, "one"), &options()).expect("written");
    let place = temp_dir();
    let other = new_repo(&place, RepoMode::BareUser);
    assert_eq!(make(&other, &oci(&dir, "one"), &oci(&place, "made")).expect("converted").commit, commit);
}
