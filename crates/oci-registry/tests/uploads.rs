//! Drives uploads through everything that goes wrong on a network.

mod support;

use std::io::Write;
use std::time::{Duration, Instant};

use oci_image::copy::{Which, copy};
use oci_image::{Descriptor, Digest, ImageError, ImageSink, Manifest, RawManifest, Stop};
use oci_registry::{RegistryOptions, RegistrySink, TransferOptions};
use support::{MANIFEST, MANIFEST_TYPE, MIB, bytes, descriptor, source, whole};
use testkit::registry::{Behaviour, Fault, On, Registry, Seen, Trouble};

fn options() -> RegistryOptions {
    let transfer = TransferOptions { retries: 4, persistence: Duration::from_millis(600), ..Default::default() };
    let timeout = Duration::from_millis(500);
    RegistryOptions { tls_verify: false, anonymous: true, timeout, transfer, ..Default::default() }
}

fn raw(bytes: &[u8]) -> RawManifest {
    RawManifest { bytes: bytes.to_vec(), media_type: MANIFEST_TYPE.into(), digest: Digest::sha256(bytes) }
}

fn start() -> Registry {
    Registry::start(Behaviour::default()).expect("the loopback interface has a free port")
}

#[test]
fn a_streamed_upload_goes_on_where_the_registry_has_it() {
    let blob = bytes(40 * MIB);
    let known = descriptor(&blob);
    for cuts in [vec![0], vec![30 * MIB], vec![MIB, 7 * MIB, 1, 30 * MIB]] {
        let registry = start();
        let sink = RegistrySink::open(&format!("{}/a/b:t", registry.host()), &options()).unwrap();
        for cut in &cuts {
            registry.fault(Fault::once(On::Upload, Trouble::CutUpload(*cut)));
        }
        let mut writer = sink.start_blob(Some(&known)).map_err(|e| whole(&e)).unwrap();
        writer.write_all(&blob).map_err(|e| whole(&e)).unwrap();
        writer.commit(&known).map_err(|e| whole(&e)).unwrap();
        assert_eq!(registry.blob("a/b", &known.digest).map(|got| got == blob), Some(true), "{cuts:?}");
        let sent: usize = registry.seen().iter().map(|seen| seen.length).sum();
        assert_eq!(sent, blob.len(), "{cuts:?}");
        assert_eq!(registry.open_uploads(), 0);
    }
    let registry = start();
    registry.fault(Fault::lasting(On::Upload, Trouble::CutUpload(0)));
    let sink = RegistrySink::open(&format!("{}/a/b:t", registry.host()), &options()).unwrap();
    let pushed = sink.start_blob(Some(&known)).map_err(|e| whole(&e)).and_then(|mut writer| {
        writer.write_all(&blob).map_err(|e| whole(&e))?;
        writer.commit(&known).map_err(|e| whole(&e))
    });
    let text = pushed.unwrap_err();
    assert!(text.contains(&known.digest.to_string()) && text.contains("given up after"), "{text}");
}

#[test]
fn an_upload_the_registry_forgot_begins_anew_while_everything_is_at_hand() {
    let blob = bytes(40 * MIB);
    let push = |known: Option<&Descriptor>, cut: usize| {
        let registry = Registry::start(Behaviour { forgets_uploads: true, ..Default::default() }).unwrap();
        registry.fault(Fault::once(On::Upload, Trouble::CutUpload(cut)));
        let sink = RegistrySink::open(&format!("{}/a/b:t", registry.host()), &options()).unwrap();
        let mut writer = sink.start_blob(known).map_err(|e| whole(&e))?;
        writer.write_all(&blob).map_err(|e| whole(&e))?;
        writer.commit(&descriptor(&blob)).map_err(|e| whole(&e))?;
        assert_eq!(registry.blob("a/b", &descriptor(&blob).digest).map(|got| got == blob), Some(true));
        Ok::<_, String>(())
    };
    for known in [None, Some(&descriptor(&blob))] {
        assert_eq!(push(known, MIB), Ok(()));
    }
    let text = push(Some(&descriptor(&blob)), 35 * MIB).unwrap_err();
    assert!(text.contains("nothing was kept of what was sent"), "{text}");
}

#[test]
fn a_blob_that_can_be_read_again_is_sent_again_from_its_beginning() {
    let blob = bytes(40 * MIB);
    let known = descriptor(&blob);
    for cuts in [vec![35 * MIB], vec![35 * MIB, MIB, 39 * MIB]] {
        let (from, to) = (start(), Registry::start(Behaviour { forgets_uploads: true, ..Default::default() }).unwrap());
        from.put_blob("a/b", &blob);
        for cut in &cuts {
            to.fault(Fault::once(On::Upload, Trouble::CutUpload(*cut)));
        }
        let sink = RegistrySink::open(&format!("{}/a/b:t", to.host()), &options()).unwrap();
        oci_image::copy::copy_blob(&source(&from, &options()), &sink, &known, &Stop::default())
            .map_err(|e| whole(&e))
            .unwrap();
        assert_eq!(to.blob("a/b", &known.digest).map(|got| got == blob), Some(true), "{cuts:?}");
        assert_eq!(to.open_uploads(), 0);
    }
}

#[test]
fn what_was_lost_is_known_whatever_the_error_passed_through() {
    let blob = bytes(40 * MIB);
    let registry = Registry::start(Behaviour { forgets_uploads: true, ..Default::default() }).unwrap();
    registry.fault(Fault::once(On::Upload, Trouble::CutUpload(35 * MIB)));
    let sink = RegistrySink::open(&format!("{}/a/b:t", registry.host()), &options()).unwrap();
    let mut writer = sink.start_blob(Some(&descriptor(&blob))).unwrap();
    let written = writer.write_all(&blob).and_then(|()| writer.commit(&descriptor(&blob)).map_err(ImageError::into_io));
    assert!(ImageError::is_lost(&written.unwrap_err()));
    assert!(!ImageError::is_lost(&std::io::Error::other("something else")));
}

#[test]
fn uploads_go_on_after_breaks() {
    let blob = bytes(20 * MIB);
    let (small, known) = (bytes(1000), descriptor(&blob));
    for trouble in [Trouble::Status(503, None), Trouble::Silence, Trouble::Reset(0)] {
        let registry = start();
        let name = format!("{}/a/b:t", registry.host());
        let sink = RegistrySink::open(&name, &options()).unwrap();
        registry.fault(Fault { on: On::Upload, trouble: trouble.clone(), times: 2 });
        registry.fault(Fault { on: On::Manifest, trouble: trouble.clone(), times: 2 });
        for (blob, known) in [(&blob, Some(&known)), (&blob, None), (&small, Some(&descriptor(&small)))] {
            let mut writer = sink.start_blob(known).map_err(|e| whole(&e)).unwrap();
            writer.write_all(blob).unwrap();
            writer.commit(&descriptor(blob)).map_err(|e| whole(&e)).unwrap();
            assert!(sink.has_blob(&descriptor(blob)).unwrap());
            assert_eq!(registry.blob("a/b", &descriptor(blob).digest).as_ref(), Some(blob), "{trouble:?}");
        }
        sink.finish(&raw(MANIFEST)).unwrap();
    }
}

#[test]
fn small_blobs_go_side_by_side_and_arrive_before_the_manifest() {
    let registry = Registry::start(Behaviour { delay: Duration::from_millis(100), ..Default::default() }).unwrap();
    let sink = RegistrySink::open(&format!("{}/a/b:t", registry.host()), &options()).unwrap();
    let blobs: Vec<Vec<u8>> = (1..=16).map(|number| bytes(1000 * number)).collect();
    for blob in &blobs {
        let mut writer = sink.start_blob(None).unwrap();
        writer.write_all(blob).unwrap();
        writer.commit(&descriptor(blob)).unwrap();
    }
    sink.finish(&raw(MANIFEST)).unwrap();
    assert!(most_at_once(&registry) > 1, "one after the other");
    assert!(blobs.iter().all(|blob| registry.blob("a/b", &descriptor(blob).digest).is_some()));
}

/// The most uploads that were open at once. All of them must have come before the first manifest.
fn most_at_once(registry: &Registry) -> i32 {
    let seen = registry.seen();
    let last = seen.iter().rposition(|seen| seen.target.contains("/uploads/")).expect("something was sent");
    let named =
        seen.iter().position(|seen| seen.method == "PUT" && seen.target.contains("/manifests/")).expect("it was named");
    assert!(last < named, "the manifest came before a blob");
    let step = |open: &mut i32, seen: &Seen| {
        *open += i32::from(seen.method == "POST") - i32::from(seen.method == "PUT");
        Some(*open)
    };
    seen.iter().scan(0, step).max().unwrap_or_default()
}

/// An image of four layers, each too large to be sent from memory, of which all but those in `missing` are there.
fn large_image(registry: &Registry, missing: &[usize]) -> Vec<Descriptor> {
    let config = registry.put_blob("a/b", b"{}");
    let config = Descriptor::new("application/vnd.oci.image.config.v1+json", config, 2);
    let mut layers = Vec::new();
    for number in 0..4 {
        let blob = bytes(9 * MIB + number);
        layers.push(descriptor(&blob));
        if !missing.contains(&number) {
            registry.put_blob("a/b", &blob);
        }
    }
    let manifest = Manifest::new(config, layers.clone()).to_raw().expect("it is small");
    registry.put_manifest("a/b", "t", &manifest.media_type, &manifest.bytes);
    layers
}

#[test]
fn large_blobs_go_side_by_side() {
    let delay = Duration::from_millis(300);
    let (from, to) = (start(), Registry::start(Behaviour { delay, ..Default::default() }).unwrap());
    let layers = large_image(&from, &[]);
    let options = RegistryOptions { timeout: Duration::from_secs(5), ..options() };
    let sink = RegistrySink::open(&format!("{}/a/b:t", to.host()), &options).unwrap();
    copy(&source(&from, &options), &sink, &Which::All).map_err(|e| whole(&e)).unwrap();
    assert!(most_at_once(&to) > 1, "one after the other");
    assert!(layers.iter().all(|layer| to.blob("a/b", &layer.digest).is_some()));
}

#[test]
fn one_large_blob_that_fails_ends_the_others() {
    let (from, to) = (start(), start());
    let layers = large_image(&from, &[1]);
    let sink = RegistrySink::open(&format!("{}/a/b:t", to.host()), &options()).unwrap();
    let text = copy(&source(&from, &options()), &sink, &Which::All).map_err(|e| whole(&e)).unwrap_err();
    assert!(text.contains(&layers[1].digest.to_string()), "{text}");
    assert_eq!((to.open_uploads(), to.manifest("a/b", "t")), (0, None));
}

#[test]
fn small_blobs_that_are_there_are_not_sent_again_whoever_brought_them() {
    let registry = start();
    let sink = |tag: &str| RegistrySink::open(&format!("{}/a/b:{tag}", registry.host()), &options()).unwrap();
    let blobs: Vec<Vec<u8>> = (1..=20).map(|number| bytes(1000 * number)).collect();
    let push = |tag: &str, blobs: &[Vec<u8>]| {
        let sink = sink(tag);
        let before = registry.seen().len();
        for blob in blobs {
            let mut writer = sink.start_blob(None).unwrap();
            writer.write_all(blob).unwrap();
            writer.commit(&descriptor(blob)).unwrap();
        }
        sink.finish(&raw(MANIFEST)).map_err(|e| whole(&e)).unwrap();
        registry.seen()[before..].iter().filter(|seen| seen.target.contains("digest=")).count()
    };
    // What a push that was killed has brought counts as much.
    assert_eq!(push("killed", &blobs[..7]), 7);
    assert_eq!(push("one", &blobs), 13);
    assert_eq!(push("two", &blobs), 0);
    assert_eq!(registry.open_uploads(), 0);
}

#[test]
fn asking_for_small_blobs_costs_a_push_to_a_new_repository_no_time() {
    let registry = Registry::start(Behaviour { delay: Duration::from_millis(150), ..Default::default() }).unwrap();
    let sink = RegistrySink::open(&format!("{}/a/b:t", registry.host()), &options()).unwrap();
    // The connection is there before the clock runs.
    assert!(!sink.has_blob(&descriptor(b"something")).unwrap());
    let begun = Instant::now();
    let mut writer = sink.start_blob(None).unwrap();
    writer.write_all(b"something else").unwrap();
    writer.commit(&descriptor(b"something else")).unwrap();
    sink.finish(&raw(MANIFEST)).map_err(|e| whole(&e)).unwrap();
    // Opening, sending and naming.
    assert!(begun.elapsed() < Duration::from_millis(4 * 150), "{:?}", begun.elapsed());
}

#[test]
fn many_blobs_are_asked_for_and_mounted_side_by_side() {
    let registry = Registry::start(Behaviour { delay: Duration::from_millis(50), ..Default::default() }).unwrap();
    let options = RegistryOptions { mount_from: vec!["other/one".into()], ..options() };
    let sink = RegistrySink::open(&format!("{}/a/b:t", registry.host()), &options).unwrap();
    let blobs: Vec<Vec<u8>> = (1..=24).map(|number| bytes(1000 * number)).collect();
    let descriptors: Vec<Descriptor> = blobs.iter().map(|blob| descriptor(blob)).collect();
    for blob in &blobs[1..] {
        registry.put_blob("other/one", blob);
    }
    let begun = Instant::now();
    let expected: Vec<bool> = (0..24).map(|number| number > 0).collect();
    assert_eq!(sink.has_blobs(&descriptors).map_err(|e| whole(&e)), Ok(expected));
    assert!(begun.elapsed() < Duration::from_millis(24 * 100), "{:?}", begun.elapsed());
    assert!(blobs[1..].iter().all(|blob| registry.blob("a/b", &descriptor(blob).digest).is_some()));
}
