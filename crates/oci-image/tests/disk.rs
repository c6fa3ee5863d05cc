//! Images on disk: every form is written, read back, copied into every other, and refused when it is damaged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::fs;
use std::io::Write as _;
use std::path::Path;

use oci_image::config::{ContainerConfig, RootFs};
use oci_image::copy::{Which, copy, put_blob};
use oci_image::disk::{create_sink, open_source};
use oci_image::document::resolve;
use oci_image::index::Index;
use oci_image::layer::LayerWriter;
use oci_image::layer::read::open_layer;
use oci_image::{
    Compression, Descriptor, Digest, ImageConfig, ImageError, ImageReference, ImageSink, ImageSource, Manifest,
    Platform, RawManifest, validate,
};

fn reference(text: &str) -> ImageReference {
    text.parse().unwrap()
}

/// Bytes a tar could start with, so that they count as a layer.
fn tar(seed: u8) -> Vec<u8> {
    let mut bytes = vec![seed; 40_000];
    bytes[257..262].copy_from_slice(b"ustar");
    bytes
}

/// Writes an image of one layer per compression and gives its manifest.
fn write_image(sink: &dyn ImageSink, platform: &str) -> RawManifest {
    let platform: Platform = platform.parse().unwrap();
    let (mut layers, mut diff_ids) = (Vec::new(), Vec::new());
    for (seed, compression) in [Compression::Gzip(6), Compression::Zstd(3), Compression::None].into_iter().enumerate() {
        let mut writer = LayerWriter::new(sink.start_blob(None).unwrap(), compression, 1).unwrap();
        writer.write_all(&tar(seed as u8)).unwrap();
        let (layer, blob) = writer.finish().unwrap();
        blob.commit(&layer.descriptor()).unwrap();
        layers.push(layer.descriptor());
        diff_ids.push(layer.diff_id);
    }
    let config = ImageConfig {
        architecture: platform.architecture,
        os: platform.os,
        config: Some(ContainerConfig { cmd: Some(vec!["sh".into()]), ..ContainerConfig::default() }),
        rootfs: RootFs { diff_ids, ..RootFs::default() },
        ..ImageConfig::default()
    };
    let (bytes, descriptor) = config.to_blob().unwrap();
    assert_eq!(put_blob(sink, &descriptor.media_type, &bytes).unwrap(), descriptor);
    Manifest::new(descriptor, layers).to_raw().unwrap()
}

/// Reads an image to its last byte and checks all there is to check.
fn read_image(source: &dyn ImageSource) -> Manifest {
    let (_, manifest) = resolve(source, &"linux/amd64".parse().unwrap()).unwrap();
    let (_, config) = validate::read_config(source, &manifest).unwrap();
    validate::layers(&manifest, &config).unwrap();
    for (position, (layer, diff_id)) in manifest.layers.iter().zip(&config.rootfs.diff_ids).enumerate() {
        let content = open_layer(source, layer).unwrap().finish_verified(Some(diff_id)).unwrap();
        assert_eq!(content.diff_id, Digest::sha256(&tar(position as u8)));
    }
    manifest
}

fn sample(path: &Path) -> RawManifest {
    let sink = create_sink(&reference(&format!("oci:{}:v1", path.display()))).unwrap();
    let manifest = write_image(&*sink, "linux/amd64");
    assert_eq!(sink.finish(&manifest).unwrap(), manifest.digest);
    manifest
}

#[test]
fn every_form_becomes_every_other() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path().display();
    let manifest = sample(&temporary.path().join("start"));
    let forms = ["oci:", "oci-archive:", "dir:", "docker-archive:"];
    for from in forms {
        let first = reference(&format!("{from}{root}/{}", from.trim_end_matches(':')));
        let start = open_source(&reference(&format!("oci:{root}/start:v1"))).unwrap();
        copy(&*start, &*create_sink(&first).unwrap(), &Which::All).unwrap();
        for to in forms {
            let second = reference(&format!("{to}{root}/{}{to}x", from.trim_end_matches(':')).replace(":x", "-x"));
            let source = open_source(&first).unwrap();
            let digest = copy(&*source, &*create_sink(&second).unwrap(), &Which::All).unwrap();
            assert_eq!(digest, source.manifest().unwrap().digest);
            let copied = open_source(&second).unwrap();
            assert_eq!(read_image(&*copied).layers.len(), 3, "{first} to {second}");
            if from != "docker-archive:" && to != "docker-archive:" {
                assert_eq!(copied.manifest().unwrap(), manifest, "{first} to {second}");
            }
        }
    }
}

#[test]
fn tags_stand_beside_each_other() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("image");
    let manifest = sample(&path);
    let oci = |tag: &str| reference(&format!("oci:{}{tag}", path.display()));
    let source = open_source(&oci("")).unwrap();
    assert_eq!(source.manifest().unwrap(), manifest, "the only image needs no tag");
    copy(&*source, &*create_sink(&oci(":v2")).unwrap(), &Which::All).unwrap();
    let error = source.manifest().unwrap_err().to_string();
    assert!(error.contains("v1, v2"), "{error}");
    let v1 = open_source(&oci(":v1")).unwrap();
    copy(&*v1, &*create_sink(&oci(":v2")).unwrap(), &Which::All).unwrap();
    let index = Index::parse(&fs::read(path.join("index.json")).unwrap()).unwrap();
    assert_eq!(index.manifests.len(), 2);
    assert_eq!(index.manifests[0].platform().unwrap().to_string(), "linux/amd64");
    let error = open_source(&oci(":v3")).unwrap().manifest().unwrap_err();
    assert!(matches!(error, ImageError::NotFound { .. }), "{error:?}");
    copy(&*v1, &*create_sink(&oci("")).unwrap(), &Which::All).unwrap();
    assert_eq!(Index::parse(&fs::read(path.join("index.json")).unwrap()).unwrap().manifests.len(), 1);
}

#[test]
fn an_index_is_kept_whole_or_resolved() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path().display();
    let sink = create_sink(&reference(&format!("oci:{root}/multi"))).unwrap();
    let mut entries = Vec::new();
    for platform in ["linux/arm64", "linux/amd64"] {
        let raw = write_image(&*sink, platform);
        sink.put_manifest(&raw).unwrap();
        let entry = Descriptor::new(&raw.media_type, raw.digest, raw.bytes.len() as u64);
        entries.push(entry.with_platform(&platform.parse().unwrap()));
    }
    let top = Index::new(entries).to_raw().unwrap();
    sink.finish(&top).unwrap();
    let source = open_source(&reference(&format!("oci:{root}/multi"))).unwrap();
    for to in ["oci:", "dir:", "oci-archive:"] {
        let whole = reference(&format!("{to}{root}/whole-{}", to.trim_end_matches(':')));
        copy(&*source, &*create_sink(&whole).unwrap(), &Which::All).unwrap();
        let whole = open_source(&whole).unwrap();
        assert_eq!(whole.manifest().unwrap(), top);
        read_image(&*whole);
        let one = reference(&format!("{to}{root}/one-{}", to.trim_end_matches(':')));
        let which = Which::Platform("linux/arm64".parse().unwrap());
        copy(&*source, &*create_sink(&one).unwrap(), &which).unwrap();
        assert_ne!(open_source(&one).unwrap().manifest().unwrap(), top);
    }
    let docker = create_sink(&reference(&format!("docker-archive:{root}/d.tar"))).unwrap();
    assert!(matches!(copy(&*source, &*docker, &Which::All), Err(ImageError::Unsupported { .. })));
    drop(docker);
    assert!(!temporary.path().join("d.tar").exists());
}

#[test]
fn nothing_is_left_of_what_was_not_finished() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    for form in ["oci:", "dir:", "oci-archive:", "docker-archive:"] {
        let name = form.trim_end_matches(':');
        let sink = create_sink(&reference(&format!("{form}{}/{name}", root.display()))).unwrap();
        let mut blob = sink.start_blob(None).unwrap();
        blob.write_all(b"half").unwrap();
        drop(blob);
        let wrong = Descriptor::new("x", Digest::sha256(b"a"), 7);
        let mut blob = sink.start_blob(None).unwrap();
        blob.write_all(b"a").unwrap();
        assert!(matches!(blob.commit(&wrong), Err(ImageError::SizeMismatch { .. })), "{form}");
        assert!(!sink.has_blob(&Descriptor { size: 1, ..wrong }).unwrap());
    }
    assert_eq!(fs::read_dir(root.join("oci/blobs/sha256")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(root.join("dir")).unwrap().count(), 1, "only the mark");
    assert_eq!(fs::read_dir(root).unwrap().count(), 2, "no archive");
}

#[test]
fn damage_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("image");
    let manifest = sample(&path);
    let oci = reference(&format!("oci:{}", path.display()));
    let to = |name: &str| create_sink(&reference(&format!("dir:{}/{name}", temporary.path().display()))).unwrap();
    let parsed = Manifest::parse(&manifest.bytes).unwrap();
    let blob = path.join("blobs/sha256").join(parsed.layers[0].digest.hex());
    let good = fs::read(&blob).unwrap();

    let mut flipped = good.clone();
    flipped[20] ^= 1;
    for (bad, expected) in [(flipped, "digest"), (good[1..].to_vec(), "bytes"), ([&good[..], b"x"].concat(), "bytes")] {
        fs::write(&blob, bad).unwrap();
        let error = copy(&*open_source(&oci).unwrap(), &*to("x"), &Which::All).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(parsed.layers[0].digest.hex()), "{error}");
        assert!(!temporary.path().join("x/manifest.json").exists());
    }
    fs::remove_file(&blob).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &blob).unwrap();
    assert!(open_source(&oci).unwrap().blob(&parsed.layers[0]).is_err(), "a link that leads out");

    let index = path.join("index.json");
    let text = fs::read_to_string(&index).unwrap();
    let size = format!("\"size\":{}", manifest.bytes.len());
    for bad in
        [text.replace("sha256:", "sha256:../"), text.replace(&size, "\"size\":9"), "[".repeat(9000), String::new()]
    {
        fs::write(&index, &bad).unwrap();
        assert!(open_source(&oci).unwrap().manifest().is_err(), "{bad}");
    }
    fs::write(path.join("oci-layout"), "{\"imageLayoutVersion\":\"2.0.0\"}").unwrap();
    assert!(matches!(open_source(&oci), Err(ImageError::Unsupported { .. })));
    fs::remove_file(path.join("oci-layout")).unwrap();
    assert!(matches!(open_source(&oci), Err(ImageError::NotFound { .. })));
}

#[test]
fn archives_and_directories_of_other_things_are_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    fs::write(root.join("text"), "no tar at all").unwrap();
    fs::write(root.join("gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]).unwrap();
    fs::write(root.join("empty"), [0; 1024]).unwrap();
    for name in ["text", "gz", "empty", "absent", "."] {
        for form in ["oci-archive:", "docker-archive:"] {
            assert!(open_source(&reference(&format!("{form}{}/{name}", root.display()))).is_err(), "{form}{name}");
        }
    }
    assert!(create_sink(&reference(&format!("dir:{}", root.display()))).is_err(), "other files are here");
    assert!(create_sink(&reference(&format!("docker-archive:{}/text", root.display()))).is_err(), "not empty");
    assert!(create_sink(&reference(&format!("oci:{}/a/b", root.display()))).is_err(), "two levels");
    assert!(matches!(open_source(&reference("docker://x/y")), Err(ImageError::Unsupported { .. })));
}
