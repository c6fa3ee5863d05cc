//! Storages written by hand, as containers/storage lays them out, and read as images.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use oci_image::config::{ImageConfig, RootFs};
use oci_image::copy::{Which, copy};
use oci_image::layer::open_layer;
use oci_image::{
    Descriptor, Digest, ImageError, ImageSource, Manifest, Platform, disk, document, media_type, validate,
};
use oci_storage::{Environment, StoragePlace, StorageSource};
use serde_json::{Value, json};

/// CRC-64 of ISO 3309, bit by bit.
fn crc64(bytes: &[u8]) -> u64 {
    let step = |sum: u64| if sum & 1 == 1 { (sum >> 1) ^ 0xD800_0000_0000_0000 } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u64::from(*byte), |sum, _| step(sum)))
}

/// A ustar header of a regular file.
fn header(name: &str, size: usize) -> Vec<u8> {
    let mut block = vec![0; 512];
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A layer that is in a storage.
#[derive(Clone)]
struct Layer {
    id: String,
    tar: Vec<u8>,
    descriptor: Descriptor,
}

struct Storage {
    driver: &'static str,
    root: PathBuf,
    images: Vec<Value>,
    layers: Vec<Value>,
}

impl Storage {
    fn new(root: &Path, driver: &'static str) -> Self {
        for dir in ["images", "layers"] {
            fs::create_dir_all(root.join(format!("{driver}-{dir}"))).unwrap();
            fs::write(root.join(format!("{driver}-{dir}/{dir}.lock")), "").unwrap();
        }
        Self { driver, root: root.to_owned(), images: Vec::new(), layers: Vec::new() }
    }

    fn diff(&self, layer: &str) -> PathBuf {
        match self.driver {
            "vfs" => self.root.join("vfs/dir").join(layer),
            _ => self.root.join("overlay").join(layer).join("diff"),
        }
    }

    fn split(&self, layer: &str) -> PathBuf {
        self.root.join(format!("{}-layers/{layer}.tar-split.gz", self.driver))
    }

    fn write(&self) {
        let lists = [("images", &self.images), ("layers", &self.layers)];
        for (name, list) in lists {
            let path = self.root.join(format!("{}-{name}/{name}.json", self.driver));
            fs::write(path, serde_json::to_vec(list).unwrap()).unwrap();
        }
    }

    fn layer(&mut self, id: &str, parent: Option<&Layer>, files: &[(&str, &[u8])]) -> Layer {
        let (mut tar, mut split, mut between) = (Vec::new(), String::new(), Vec::new());
        let segment = |bytes: &[u8]| json!({"type": 2, "payload": STANDARD.encode(bytes)}).to_string() + "\n";
        for (name, content) in files {
            between.extend(header(name, content.len()));
            split += &segment(&between);
            tar.extend(&between);
            tar.extend(*content);
            let crc = STANDARD.encode(crc64(content).to_be_bytes());
            split += &match content.is_empty() {
                true => json!({"type": 1, "name": name, "payload": null}).to_string(),
                false => json!({"type": 1, "name": name, "size": content.len(), "payload": crc}).to_string(),
            };
            split += "\n";
            between = vec![0; content.len().next_multiple_of(512) - content.len()];
            let path = self.diff(id).join(name.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        between.extend([0; 1024]);
        split += &segment(&between);
        tar.extend(&between);
        fs::write(self.split(id), gzip(split.as_bytes())).unwrap();
        let stored = gzip(&tar);
        self.layers.push(json!({
            "id": id, "parent": parent.map(|parent| &parent.id), "diff-size": tar.len(),
            "diff-digest": Digest::sha256(&tar).to_string(),
        }));
        let descriptor = Descriptor::new(media_type::OCI_LAYER_GZIP, Digest::sha256(&stored), stored.len() as u64);
        Layer { id: id.to_owned(), tar, descriptor }
    }

    /// An image whose manifest names compressed layers, as a registry has them.
    fn image(&mut self, name: &str, layers: &[&Layer]) -> (String, Digest) {
        let diff_ids = layers.iter().map(|layer| Digest::sha256(&layer.tar)).collect();
        let platform = Platform::host();
        let config = ImageConfig {
            architecture: platform.architecture.clone(),
            os: platform.os.clone(),
            rootfs: RootFs { diff_ids, ..RootFs::default() },
            ..ImageConfig::default()
        };
        let (config, descriptor) = config.to_blob().unwrap();
        let id = descriptor.digest.hex().to_owned();
        let mut manifest = Manifest::new(descriptor, layers.iter().map(|layer| layer.descriptor.clone()).collect());
        manifest.media_type = Some(media_type::OCI_MANIFEST.to_owned());
        let raw = manifest.to_raw().unwrap();
        let dir = self.root.join(format!("{}-images/{id}", self.driver));
        fs::create_dir_all(&dir).unwrap();
        let key = |key: &str| format!("={}", STANDARD.encode(key));
        fs::write(dir.join("manifest"), &raw.bytes).unwrap();
        fs::write(dir.join(key(&format!("manifest-{}", raw.digest))), &raw.bytes).unwrap();
        fs::write(dir.join(key(&format!("sha256:{id}"))), &config).unwrap();
        self.images.push(json!({
            "id": id, "digest": raw.digest.to_string(), "names": [name], "layer": layers.last().map(|layer| &layer.id),
            "big-data-digests": {"manifest": raw.digest.to_string()},
        }));
        (id, raw.digest)
    }
}

fn environment(root: &Path) -> Environment {
    Environment::new(root, 0, &[])
}

fn open(storage: &Storage, name: &str) -> Result<StorageSource, ImageError> {
    let spec = format!("[{}@{}+/run]{name}", storage.driver, storage.root.display());
    StorageSource::open(&spec, &environment(Path::new("/nowhere")))
}

/// The bytes of a layer as they are handed out, verified.
fn read(source: &dyn ImageSource, layer: &Descriptor) -> Result<Vec<u8>, ImageError> {
    let mut reader = open_layer(source, layer)?;
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|error| ImageError::from_stream("reading", "layer", error))?;
    reader.finish_verified(Some(&Digest::sha256(&bytes)))?;
    Ok(bytes)
}

/// The whole of an error, its causes included.
fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}

/// Two layers and an image of them.
fn sample(root: &Path, driver: &'static str) -> (Storage, [Layer; 2], Digest) {
    let mut storage = Storage::new(root, driver);
    let big: Vec<u8> = (0..=250).cycle().take(300_000).collect();
    let lower = storage.layer("l1", None, &[("usr/bin/a", b"hello"), ("./usr/big", &big), ("usr/empty", b"")]);
    let upper = storage.layer("l2", Some(&lower), &[("/etc/.wh.gone", b""), ("/etc/x", &[7; 512])]);
    let (_, digest) = storage.image("localhost/os:1", &[&lower, &upper]);
    storage.write();
    (storage, [lower, upper], digest)
}

#[test]
fn an_image_comes_out_as_it_went_in() {
    for driver in ["overlay", "vfs"] {
        let dir = tempfile::tempdir().unwrap();
        let (storage, layers, digest) = sample(dir.path(), driver);
        let source = open(&storage, "localhost/os:1").unwrap();
        let (raw, manifest) = document::resolve(&source, &Platform::host()).unwrap();
        assert_eq!(raw.digest, digest);
        let (_, config) = validate::read_config(&source, &manifest).unwrap();
        validate::layers(&manifest, &config).unwrap();
        for (descriptor, layer) in manifest.layers.iter().zip(&layers) {
            let stored = source.stored_as(descriptor).unwrap();
            assert_eq!((stored.digest, stored.size), (Digest::sha256(&layer.tar), layer.tar.len() as u64));
            assert_eq!(read(&source, descriptor).unwrap(), layer.tar);
        }
    }
}

#[test]
fn unknown_sizes_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (mut storage, layers, _) = sample(dir.path(), "overlay");
    storage.layers[0]["diff-size"] = json!(-1);
    storage.layers[1].as_object_mut().unwrap().remove("diff-size");
    storage.write();
    let source = open(&storage, "os:1").unwrap();
    for layer in &layers {
        assert_eq!(source.stored_as(&layer.descriptor).unwrap().size, layer.tar.len() as u64);
        assert_eq!(read(&source, &layer.descriptor).unwrap(), layer.tar);
    }
}

#[test]
fn images_are_found_by_names_digests_and_identifiers() {
    let dir = tempfile::tempdir().unwrap();
    let (storage, _, digest) = sample(dir.path(), "overlay");
    let id = storage.images[0]["id"].as_str().unwrap().to_owned();
    let names = ["localhost/os:1".to_owned(), "os:1".into(), format!("localhost/os@{digest}"), format!("@{id}")];
    for name in names.into_iter().chain([id[..12].to_owned(), format!("os:1@{}", &id[..12]), id]) {
        let source = open(&storage, &name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(source.manifest().unwrap().digest, digest, "{name}");
    }
    for name in ["os", "localhost/os:2", "@00000", &format!("localhost/os@{}", Digest::sha256(b""))] {
        let error = words(&open(&storage, name).map(|_| ()).unwrap_err());
        assert!(error.contains("not found in") && error.contains(&storage.root.display().to_string()), "{error}");
    }
}

#[test]
fn what_is_damaged_is_named() {
    /// What is done to the storage, and what the error must say.
    type Case = (&'static str, fn(&Storage), &'static [&'static str]);
    let cases: [Case; 7] = [
        ("changed", |s| fs::write(s.diff("l1").join("usr/bin/a"), "hellO").unwrap(), &["l1", "usr/bin/a: damaged"]),
        ("longer", |s| fs::write(s.diff("l1").join("usr/bin/a"), "hello!").unwrap(), &["usr/bin/a: damaged: 6 bytes"]),
        ("missing", |s| fs::remove_file(s.diff("l1").join("usr/big")).unwrap(), &["usr/big: missing"]),
        (
            "a link to the outside",
            |s| {
                let path = s.diff("l1").join("usr/bin/a");
                fs::write(s.root.join("outside"), "hello").unwrap();
                fs::remove_file(&path).unwrap();
                std::os::unix::fs::symlink(s.root.join("outside"), path).unwrap();
            },
            &["usr/bin/a: a link is in its place"],
        ),
        ("no tar-split", |s| fs::remove_file(s.split("l1")).unwrap(), &["layer l1", "without tar-split data"]),
        ("no tar-split but garbage", |s| fs::write(s.split("l1"), gzip(b"{}\n")).unwrap(), &["l1", "line 1"]),
        ("no files", |s| fs::remove_dir_all(s.diff("l1")).unwrap(), &["opening", "l1"]),
    ];
    for (what, damage, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        let (storage, layers, _) = sample(dir.path(), "overlay");
        damage(&storage);
        let source = open(&storage, "os:1").unwrap();
        let error = words(&read(&source, &layers[0].descriptor).unwrap_err());
        for part in expected {
            assert!(error.contains(part), "{what}: {error}");
        }
        assert_eq!(read(&source, &layers[1].descriptor).unwrap(), layers[1].tar, "{what}");
    }
}

#[test]
fn layers_of_a_lying_archive_are_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let (storage, layers, _) = sample(dir.path(), "overlay");
    let other = json!({"type": 2, "payload": STANDARD.encode(vec![0; layers[0].tar.len()])}).to_string();
    fs::write(storage.split("l1"), gzip(other.as_bytes())).unwrap();
    let error = read(&open(&storage, "os:1").unwrap(), &layers[0].descriptor).unwrap_err();
    assert!(matches!(error, ImageError::DigestMismatch { .. }), "{error}");
}

#[test]
fn further_image_stores_count_too() {
    let dir = tempfile::tempdir().unwrap();
    let (further, layers, digest) = sample(&dir.path().join("further"), "overlay");
    let main = Storage::new(&dir.path().join("main"), "overlay");
    main.write();
    let conf = dir.path().join("etc/containers/storage.conf");
    fs::create_dir_all(conf.parent().unwrap()).unwrap();
    let text = format!(
        "[storage]\ndriver = \"overlay\"\ngraphroot = {:?}\n[storage.options]\nadditionalimagestores = [{:?}]\n",
        main.root, further.root
    );
    fs::write(conf, text).unwrap();
    let source = StorageSource::open("os:1", &environment(dir.path())).unwrap();
    assert_eq!(source.manifest().unwrap().digest, digest);
    assert_eq!(read(&source, &layers[1].descriptor).unwrap(), layers[1].tar);
    let error = words(&StorageSource::open("os:2", &environment(dir.path())).map(|_| ()).unwrap_err());
    assert!(error.contains("main, ") && error.contains("further"), "{error}");
}

#[test]
fn layers_that_are_not_whole_do_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let (mut storage, layers, _) = sample(dir.path(), "overlay");
    let volatile = storage.layers.remove(1);
    storage.layers[0]["flags"] = json!({"incomplete": true});
    storage.write();
    fs::write(storage.root.join("overlay-layers/volatile-layers.json"), json!([volatile]).to_string()).unwrap();
    let source = open(&storage, "os:1").unwrap();
    assert!(matches!(read(&source, &layers[0].descriptor), Err(ImageError::NotFound { .. })));
    assert_eq!(read(&source, &layers[1].descriptor).unwrap(), layers[1].tar);
}

#[test]
fn writers_are_kept_away_while_a_layer_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (storage, layers, _) = sample(dir.path(), "overlay");
    let file = fs::File::options().write(true).open(storage.root.join("overlay-layers/layers.lock")).unwrap();
    let lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    let can_write = || fcntl(&file, FcntlArg::F_OFD_SETLK(&lock)).is_ok();
    let source = open(&storage, "os:1").unwrap();
    let blob = source.blob(&layers[0].descriptor).unwrap();
    assert!(!can_write());
    drop(blob);
    assert!(can_write());
}

#[test]
fn a_copy_has_its_layers_compressed_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (storage, layers, digest) = sample(&dir.path().join("g"), "overlay");
    let source = open(&storage, "os:1").unwrap();
    let to: oci_image::ImageReference = format!("oci:{}:t", dir.path().join("out").display()).parse().unwrap();
    copy(&source, &*disk::create_sink(&to).unwrap(), &Which::All).unwrap();
    let copied = disk::open_source(&to).unwrap();
    let (_, manifest) = document::resolve(&*copied, &Platform::host()).unwrap();
    assert_eq!(manifest.layers.len(), 2);
    for (descriptor, layer) in manifest.layers.iter().zip(&layers) {
        assert_eq!(descriptor.media_type, media_type::OCI_LAYER_GZIP);
        assert_eq!(read(&*copied, descriptor).unwrap(), layer.tar);
    }
    // A place that has the layers as the manifest names them keeps the image as it is.
    let to: oci_image::ImageReference = format!("oci:{}:t", dir.path().join("same").display()).parse().unwrap();
    let sink = disk::create_sink(&to).unwrap();
    for layer in &layers {
        let mut blob = sink.start_blob(None).unwrap();
        blob.write_all(&gzip(&layer.tar)).unwrap();
        blob.commit(&layer.descriptor).unwrap();
    }
    assert_eq!(copy(&source, &*sink, &Which::All).unwrap(), digest);
}

#[test]
fn places_without_a_storage_are_said_to_be_such() {
    let dir = tempfile::tempdir().unwrap();
    let error = words(&StorageSource::open("x", &environment(dir.path())).map(|_| ()).unwrap_err());
    assert!(error.contains("no container storage in") && error.contains("var/lib/containers/storage"), "{error}");
    let error = words(&StorageSource::open("[btrfs@/g]x", &environment(dir.path())).map(|_| ()).unwrap_err());
    assert!(error.contains("btrfs"), "{error}");
}

#[test]
fn the_place_is_that_of_the_storage_and_the_name_that_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let (storage, _, digest) = sample(&dir.path().join("g"), "vfs");
    let id = storage.images[0]["id"].as_str().unwrap().to_owned();
    let cases = [
        ("localhost/os:1".to_owned(), Some("localhost/os:1".to_owned())),
        ("os:1".into(), Some("localhost/os:1".into())),
        (format!("localhost/os@{digest}"), Some(format!("localhost/os@{digest}"))),
        (format!("@{}", &id[..8]), None),
        (id[..8].into(), None),
        (format!("os:1@{id}"), Some("localhost/os:1".into())),
    ];
    for (text, name) in cases {
        let source = open(&storage, &text).unwrap();
        let root = storage.root.to_str().unwrap().to_owned();
        let expected = StoragePlace { driver: "vfs".into(), root, name, id: id.clone() };
        assert_eq!(*source.place(), expected, "{text}");
    }
    // Settings follow links, as the storage's own programs do, and references do not.
    let link = dir.path().join("link");
    std::os::unix::fs::symlink("g", &link).unwrap();
    let conf = dir.path().join("etc/containers/storage.conf");
    fs::create_dir_all(conf.parent().unwrap()).unwrap();
    fs::write(conf, format!("[storage]\ngraphroot = {link:?}\n")).unwrap();
    let root_of = |name: &str| StorageSource::open(name, &environment(dir.path())).unwrap().place().root.clone();
    assert_eq!(root_of("os:1"), storage.root.canonicalize().unwrap().to_str().unwrap());
    assert_eq!(root_of(&format!("[{}/./]os:1", link.display())), link.to_str().unwrap());
}

#[test]
fn signatures_are_kept_with_an_image() {
    let dir = tempfile::tempdir().unwrap();
    let (mut storage, _, digest) = sample(dir.path(), "overlay");
    let image_dir = storage.root.join("overlay-images").join(storage.images[0]["id"].as_str().unwrap());
    assert!(open(&storage, "os:1").unwrap().signatures(&digest).unwrap().is_empty());
    storage.images[0]["metadata"] = json!(json!({"signatures-sizes": {digest.to_string(): [2, 3]}}).to_string());
    storage.write();
    let source = open(&storage, "os:1").unwrap();
    let error = words(&source.signatures(&digest).unwrap_err());
    assert!(error.contains("are missing") && error.contains(&storage.root.display().to_string()), "{error}");
    let file = image_dir.join(format!("={}", STANDARD.encode(format!("signature-{}", digest.hex()))));
    fs::write(&file, "abcde").unwrap();
    assert_eq!(source.signatures(&digest).unwrap(), [b"ab".to_vec(), b"cde".to_vec()]);
    assert!(source.signatures(&Digest::sha256(b"")).unwrap().is_empty());
    fs::write(&file, "abcdef").unwrap();
    assert!(words(&source.signatures(&digest).unwrap_err()).contains("6 bytes of signatures in place of 5"));
}
