//! Labels, annotations, history and configuration of an image.

use std::collections::BTreeMap;

use oci_image::config::ContainerConfig;
use ostree_container::EncapsulateOptions;
use ostree_core::{CommitId, Metadata, RawVariant};
use testkit::memory_store::MemoryStore;
use testkit::sample::{self, SampleTree};

use crate::support::{Image, content_meta, options, sample_store, temp_dir, write};

fn documents(store: &MemoryStore, commit: &CommitId, options: &EncapsulateOptions) -> Image {
    let dir = temp_dir();
    let image = format!("oci:{}", dir.path().join("image").display());
    write(store, commit, &image, options).expect("written");
    Image::read(&image)
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn labels_come_from_the_commit_and_are_annotations_too() {
    let (store, commit) = sample_store();
    let image = documents(&store, &commit, &options());
    let last = image.config.rootfs.diff_ids.last().expect("a layer").to_string();
    let expected = labels(&[
        ("containers.bootc", "1"),
        ("org.opencontainers.image.version", "1.0"),
        ("ostree.bootable", "true"),
        ("ostree.commit", &commit.to_string()),
        ("ostree.final-diffid", &last),
        ("ostree.linux", "6.1.0-sample"),
    ]);
    assert_eq!(image.manifest.annotations, expected);
    let config = image.config.config.expect("a container configuration");
    assert_eq!(config.labels, expected);
    assert_eq!((config.cmd, config.entrypoint, config.env, config.extra.len()), (None, None, None, 0));
    assert_eq!((image.config.architecture.as_str(), image.config.os.as_str()), ("amd64", "linux"));
    assert_eq!(image.config.created.as_deref(), Some("2023-11-14T22:13:20Z"));
    assert_eq!(image.config.rootfs.kind, "layers");
    assert_eq!((image.manifest.schema_version, &image.manifest.media_type), (2, &None));
    let layer = &image.manifest.layers[0];
    assert_eq!(
        (layer.media_type.as_str(), layer.annotations.len()),
        ("application/vnd.oci.image.layer.v1.tar+gzip", 0)
    );
}

#[test]
fn history_tells_what_is_in_the_layers() {
    let (store, commit) = sample_store();
    let content = Some(content_meta(&store, &["one", "two", "three"]));
    let image = documents(&store, &commit, &EncapsulateOptions { content, ..options() });
    let made_by: Vec<_> = image.config.history.iter().filter_map(|step| step.created_by.as_deref()).collect();
    assert_eq!(made_by, [sample::SUBJECT, "one", "two", "three", "Reserved for new packages"]);
    assert!(image.config.history.iter().all(|step| step.created == image.config.created && !step.empty_layer));
    assert_eq!(image.config.label("from"), Some("content"));
    assert_eq!(
        image.config.label("ostree.final-diffid").map(str::to_owned),
        image.config.rootfs.diff_ids.last().map(ToString::to_string)
    );
}

#[test]
fn the_user_overrides_all_labels_but_the_last() {
    let (store, commit) = sample_store();
    let own = labels(&[("ostree.linux", "mine"), ("ostree.final-diffid", "mine"), ("free", "text")]);
    let copy_metadata = vec![("version".to_owned(), true), ("absent".to_owned(), false)];
    let given = EncapsulateOptions { labels: own, copy_metadata, ..options() };
    let image = documents(&store, &commit, &given);
    let label = |name| image.config.label(name);
    assert_eq!((label("ostree.linux"), label("free"), label("version")), (Some("mine"), Some("text"), Some("1.0")));
    assert_eq!(label("absent"), None);
    assert_ne!(label("ostree.final-diffid"), Some("mine"));
    let dir = temp_dir();
    let required = EncapsulateOptions { copy_metadata: vec![("absent".into(), true)], ..options() };
    let refused = write(&store, &commit, &format!("oci:{}", dir.path().join("image").display()), &required);
    assert_eq!(refused.expect_err("a key is missing").to_string(), "Could not find commit metadata key: absent");
}

#[test]
fn the_command_is_the_callers_else_the_commits_else_the_configurations() {
    let store = MemoryStore::new();
    let tree = SampleTree::new(&store).expect("a tree");
    let command = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    let plain = tree.commit(Metadata::default()).expect("written");
    let key = ("ostree.container-cmd", RawVariant::strings(["/init"]));
    let with_command = tree.commit(Metadata::from_iter([key, ("ostree.bootable", RawVariant::boolean(false))]));
    let with_command = with_command.expect("written");
    let config =
        Some(ContainerConfig { cmd: command(&["base"]), env: command(&["A=b"]), ..ContainerConfig::default() });
    let cmd_of = |commit: &CommitId, cmd| {
        let image = documents(&store, commit, &EncapsulateOptions { cmd, config: config.clone(), ..options() });
        let container = image.config.config.expect("a container configuration");
        assert_eq!(container.env, command(&["A=b"]));
        container.cmd
    };
    assert_eq!(cmd_of(&plain, None), command(&["base"]));
    assert_eq!(cmd_of(&with_command, None), command(&["/init"]));
    assert_eq!(cmd_of(&with_command, command(&["own"])), command(&["own"]));
    let image = documents(&store, &with_command, &options());
    assert_eq!(
        (image.config.label("ostree.bootable"), image.config.label("containers.bootc")),
        (Some("false"), Some("1"))
    );
    let image = documents(&store, &plain, &options());
    assert_eq!((image.config.label("ostree.bootable"), image.config.label("containers.bootc")), (None, None));
}

#[test]
fn a_creation_time_must_be_one() {
    let (store, commit) = sample_store();
    let created = Some("2001-02-03T04:05:06Z".to_owned());
    let image = documents(&store, &commit, &EncapsulateOptions { created: created.clone(), ..options() });
    assert_eq!(image.config.created, created);
    let dir = temp_dir();
    let wrong = EncapsulateOptions { created: Some("yesterday".into()), ..options() };
    assert!(write(&store, &commit, &format!("oci:{}", dir.path().join("image").display()), &wrong).is_err());
}
