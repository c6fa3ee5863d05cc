//! New detached metadata in an image that is there already.

use oci_image::{Compression, disk};
use ostree_container::detach::{DetachOptions, replace_detached_metadata};
use ostree_container::{ContainerError, EncapsulateOptions, keys};
use ostree_core::metadata::RawVariant;
use ostree_core::{Metadata, ReadObject};
use ostree_repo::RepoMode;

use crate::support::{Image, assert_imported, import, new_repo, options, reference, sample_store, temp_dir, write};
use crate::watched::Watched;

/// Replaces the detached metadata of one image in another one.
fn replace(from: &str, to: &str, contents: Option<&[u8]>) -> Result<(), ContainerError> {
    let source = disk::open_source(&reference(from)).expect("an image");
    let sink = disk::create_sink(&reference(to)).expect("a place for an image");
    let options = DetachOptions { platform: Some("linux/amd64".parse().expect("a platform")), jobs: None };
    replace_detached_metadata(&*source, &*sink, contents, &options, &Watched::default()).map(|_| ())
}

#[test]
fn the_new_metadata_comes_with_the_commit() {
    let dir = temp_dir();
    let (store, commit) = sample_store();
    let path = |name: &str| format!("oci:{}", dir.path().join(name).display());
    for compression in [Compression::None, Compression::Gzip(1), Compression::Zstd(1)] {
        let options = EncapsulateOptions { compression, ..options() };
        write(&store, &commit, &path("old"), &options).expect("an image");
        let metadata: Metadata = [("signature", RawVariant::string("s"))].into_iter().collect();
        replace(&path("old"), &path("new"), Some(&metadata.encode())).expect("replaced");
        let (old, new) = (Image::read(&path("old")), Image::read(&path("new")));
        assert_eq!(new.manifest.layers[0].media_type, old.manifest.layers[0].media_type);
        assert_ne!(new.config.rootfs.diff_ids, old.config.rootfs.diff_ids);
        assert_eq!(new.config.label(keys::FINAL_DIFFID_LABEL), Some(&*new.config.rootfs.diff_ids[0].to_string()));
        assert_eq!(
            new.manifest.annotations.get(keys::FINAL_DIFFID_LABEL).map(String::as_str),
            new.config.label(keys::FINAL_DIFFID_LABEL)
        );
        let here = tempfile::tempdir_in(dir.path()).expect("a directory");
        let repo = new_repo(&here, RepoMode::Archive);
        import(&repo, &path("new")).expect("imported");
        assert_imported(&repo, commit);
        assert_eq!(repo.read_detached(&commit).expect("readable"), Some(metadata));
        replace(&path("new"), &path("again"), None).expect("replaced");
        let again = tempfile::tempdir_in(dir.path()).expect("a directory");
        let repo = new_repo(&again, RepoMode::Archive);
        import(&repo, &path("again")).expect("imported");
        assert_eq!(repo.read_detached(&commit).expect("readable"), None);
    }
}

#[test]
fn what_is_no_metadata_is_refused_before_anything_is_written() {
    let dir = temp_dir();
    let (store, commit) = sample_store();
    let path = |name: &str| format!("oci:{}", dir.path().join(name).display());
    write(&store, &commit, &path("old"), &options()).expect("an image");
    assert!(matches!(replace(&path("old"), &path("new"), Some(b"nonsense")), Err(ContainerError::Request(_))));
    assert!(disk::open_source(&reference(&path("new"))).and_then(|source| source.manifest()).is_err());
}
