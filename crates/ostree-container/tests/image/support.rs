//! Repositories, and images that are taken apart and put together again.

use std::fs;
use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use oci_image::config::ImageConfig;
use oci_image::layer::open_layer;
use oci_image::{Compression, Digest, ImageReference, LayerWriter, Manifest, Platform, disk, validate};
use ostree_container::{
    ContainerError, EncapsulateOptions, Encapsulated, ImportOptions, Unencapsulated, encapsulate, keys, unencapsulate,
};
use ostree_core::{CommitId, ReadObject};
use ostree_repo::fsck::FsckOptions;
use ostree_repo::{Repo, RepoMode, TransactionOptions, create, list, refs};
use tempfile::TempDir;
use testkit::memory_store::MemoryStore;
use testkit::sample;

use crate::watched::Watched;

/// A temporary directory, removed with the value.
pub fn temp_dir() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary directory")
}

/// A store with the large sample commit.
pub fn sample_store() -> (MemoryStore, CommitId) {
    let store = MemoryStore::new();
    let commit = sample::commit(&store).expect("the sample is valid");
    (store, commit)
}

/// Options for a host that does not matter.
pub fn options() -> EncapsulateOptions {
    EncapsulateOptions {
        platform: Some(Platform::linux("amd64")),
        jobs: NonZeroUsize::new(2),
        ..EncapsulateOptions::default()
    }
}

pub fn reference(text: &str) -> ImageReference {
    text.parse().expect("a reference")
}

/// Writes the image `TRANSPORT:PATH`.
pub fn write(
    store: &dyn ReadObject,
    commit: &CommitId,
    image: &str,
    options: &EncapsulateOptions,
) -> Result<Encapsulated, ContainerError> {
    let sink = disk::create_sink(&reference(image))?;
    encapsulate(store, commit, &*sink, options, &Watched::default())
}

pub fn new_repo(dir: &TempDir, mode: RepoMode) -> Repo {
    create(&dir.path().join("repo"), mode, None).expect("a new repository")
}

/// Imports an image; the ref `imported` moves.
pub fn import(repo: &Repo, image: &str) -> Result<Unencapsulated, ContainerError> {
    let source = disk::open_source(&reference(image))?;
    let options = ImportOptions {
        write_ref: Some("imported".parse().expect("a ref")),
        platform: Some(Platform::linux("amd64")),
        jobs: NonZeroUsize::new(2),
        // No object need survive a power cut here, but all must be staged as they are otherwise.
        transaction: TransactionOptions { fsync: Some(true), per_object_fsync: Some(false) },
        ..ImportOptions::default()
    };
    unencapsulate(&*source, repo, &options, &Watched::default())
}

/// The commit is whole, every object is what its name says, and the ref names it.
pub fn assert_imported(repo: &Repo, commit: CommitId) {
    assert_eq!(refs::resolve(repo, "imported").ok(), Some(commit));
    let report = ostree_repo::fsck::fsck(repo, &FsckOptions::default(), &mut |_| {}).expect("a sound repository");
    assert_eq!(report.partial_commits, 0);
    assert!(ostree_core::walk::missing(repo, &commit).expect("readable").is_empty());
}

/// Nothing of a failed import is seen.
pub fn assert_untouched(repo: &Repo) {
    assert!(refs::list(repo).expect("readable").is_empty(), "no ref");
    assert!(list::objects(repo).expect("readable").is_empty(), "no object");
}

/// An image in pieces.
pub struct Image {
    pub manifest: Manifest,
    pub config: ImageConfig,
    /// The layers' tars, not compressed.
    pub layers: Vec<Vec<u8>>,
}

impl Image {
    /// Takes an image apart.
    pub fn read(image: &str) -> Self {
        let source = disk::open_source(&reference(image)).expect("an image");
        let raw = source.manifest().expect("a manifest");
        let manifest = Manifest::parse(&raw.bytes).expect("a manifest");
        let (_, config) = validate::read_config(&*source, &manifest).expect("a configuration");
        let layers = manifest.layers.iter().map(|descriptor| {
            let mut layer = open_layer(&*source, descriptor).expect("a layer");
            let mut bytes = Vec::new();
            layer.read_to_end(&mut bytes).expect("a whole layer");
            bytes
        });
        Self { layers: layers.collect(), manifest, config }
    }

    /// Sets the label and the annotation.
    pub fn label(&mut self, name: &str, value: &str) {
        self.config.config.get_or_insert_default().labels.insert(name.into(), value.into());
        self.manifest.annotations.insert(name.into(), value.into());
    }

    /// Writes the layers as they now are to `oci:DIR`, with digests and diff-ids that fit them. `last` is the index of the
    /// last layer that belongs to the commit.
    pub fn write(mut self, dir: &Path, last: usize) -> String {
        let image = format!("oci:{}", dir.display());
        let sink = disk::create_sink(&reference(&image)).expect("a sink");
        self.store_layers(&*sink);
        let last = self.config.rootfs.diff_ids[last].to_string();
        self.label(keys::FINAL_DIFFID_LABEL, &last);
        self.finish(&*sink);
        image
    }

    /// Stores the layers, and makes manifest and configuration fit them.
    pub fn store_layers(&mut self, sink: &dyn oci_image::ImageSink) {
        let mut annotations = self.manifest.layers.iter().map(|layer| layer.annotations.clone()).collect::<Vec<_>>();
        annotations.resize(self.layers.len(), Default::default());
        self.manifest.layers.clear();
        self.config.rootfs.diff_ids.clear();
        self.config.history.clear();
        for (tar, annotations) in self.layers.iter().zip(annotations) {
            let blob = sink.start_blob(None).expect("a blob");
            let mut writer = LayerWriter::new(blob, Compression::Gzip(1), 1).expect("a layer");
            writer.write_all(tar).expect("written");
            let (written, blob) = writer.finish().expect("finished");
            let mut descriptor = written.descriptor();
            blob.commit(&descriptor).expect("stored");
            descriptor.annotations = annotations;
            self.manifest.layers.push(descriptor);
            self.config.rootfs.diff_ids.push(written.diff_id);
        }
    }

    /// Stores the configuration and the manifest as they are.
    pub fn finish(mut self, sink: &dyn oci_image::ImageSink) -> Digest {
        let (bytes, descriptor) = self.config.to_blob().expect("a configuration");
        let mut blob = sink.start_blob(Some(&descriptor)).expect("a blob");
        blob.write_all(&bytes).expect("written");
        blob.commit(&descriptor).expect("stored");
        self.manifest.config = descriptor;
        sink.finish(&self.manifest.to_raw().expect("a manifest")).expect("named")
    }

    /// The file of a layer's blob in `oci:DIR`.
    pub fn blob(dir: &Path, digest: &Digest) -> PathBuf {
        dir.join("blobs/sha256").join(digest.hex())
    }
}

/// Content metadata that spreads the sample's files over as many layers as there are names, in turn.
pub fn content_meta(store: &MemoryStore, names: &[&str]) -> ostree_container::ContentMeta {
    let files = store.names().into_iter().filter(|name| name.kind == ostree_core::ObjectKind::File);
    let mapping: Vec<String> = files
        .enumerate()
        .map(|(turn, name)| format!("\"{}\":\"{}\"", name.checksum, names[turn % names.len()]))
        .collect();
    let layers: Vec<String> = names.iter().map(|name| format!("\"{name}\":\"Layer {name}\"")).collect();
    let json = format!(
        "{{\"version\":1,\"labels\":{{\"from\":\"content\"}},\"layers\":{{{}}},\"mapping\":{{{}}}}}",
        layers.join(","),
        mapping.join(",")
    );
    ostree_container::ContentMeta::parse(json.as_bytes()).expect("content metadata")
}

/// An error with its causes, joined as users see them.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// Every file below a directory with its bytes, in order of the paths.
pub fn files_below(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).expect("readable").flatten() {
        match entry.file_type().expect("known").is_dir() {
            true => found.extend(files_below(&entry.path())),
            false => found.push((entry.path(), fs::read(entry.path()).expect("readable"))),
        }
    }
    found.sort();
    found
}
