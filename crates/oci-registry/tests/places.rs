//! Drives the registry client through faults of one of several places, and through those that pass in a while.

mod support;

use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use oci_image::{Descriptor, Digest, ImageError, ImageSource, VerifyReader};
use oci_registry::{Environment, RegistryOptions, RegistrySource, TransferOptions};
use support::{MANIFEST, MANIFEST_TYPE, MIB, bytes, descriptor, source, whole};
use testkit::registry::{Behaviour, Fault, On, Registry, Trouble};

/// Far more than any of these takes: a client that hangs is what it is to catch.
const BOUND: Duration = Duration::from_secs(60);

fn options(persistence: u64) -> RegistryOptions {
    let persistence = Duration::from_millis(persistence);
    let transfer = TransferOptions { retries: 4, persistence, ..Default::default() };
    let timeout = Duration::from_millis(500);
    RegistryOptions { tls_verify: false, anonymous: true, timeout, transfer, ..Default::default() }
}

/// A registry, a mirror that is asked before it, and the image on both as it is named there.
struct Places {
    registry: Registry,
    mirror: Registry,
    dir: tempfile::TempDir,
}

impl Places {
    fn new() -> Self {
        let start = || Registry::start(Behaviour::default()).expect("the loopback interface has a free port");
        let (registry, mirror) = (start(), start());
        let dir = tempfile::tempdir().expect("there is room");
        let file = dir.path().join("etc/containers/registries.conf");
        std::fs::create_dir_all(file.parent().expect("it has one")).expect("the directory is new");
        let entry = |kind: &str, host: &str| format!("{kind}\nlocation = \"{host}\"\ninsecure = true\n");
        let text = entry("[[registry]]", &registry.host()) + &entry("[[registry.mirror]]", &mirror.host());
        std::fs::write(file, text).expect("the directory can be written");
        Self { registry, mirror, dir }
    }

    fn source(&self, persistence: u64) -> RegistrySource {
        source(&self.registry, &located(self.dir.path(), persistence))
    }
}

fn located(dir: &Path, persistence: u64) -> RegistryOptions {
    RegistryOptions { environment: Environment::new(dir, 0, &[]), ..options(persistence) }
}

/// Reads a blob as everybody does, verified.
fn fetch(source: &RegistrySource, descriptor: &Descriptor) -> Result<Vec<u8>, String> {
    let started = Instant::now();
    let read = || {
        let mut got = Vec::new();
        let mut reader = VerifyReader::new(source.blob(descriptor)?, descriptor, "blob");
        reader
            .read_to_end(&mut got)
            .map_err(|e| ImageError::Transport { place: String::new(), source: Box::new(e) })?;
        reader.finish()?;
        Ok(got)
    };
    let fetched = read().map_err(|error: ImageError| whole(&error));
    assert!(started.elapsed() < BOUND, "it hung for {:?}", started.elapsed());
    fetched
}

fn asked(registry: &Registry) -> usize {
    registry.seen().iter().filter(|seen| seen.method == "GET" && seen.target != "/v2/").count()
}

fn status(status: u16, wait: Option<&str>) -> Trouble {
    Trouble::Status(status, wait.map(str::to_owned))
}

#[test]
fn a_fault_of_the_mirror_that_passes_is_survived_where_the_registry_refuses() {
    let blob = bytes(1000);
    for once in [status(503, None), Trouble::Reset(0), Trouble::Truncate(10)] {
        for refusal in [404, 401, 403] {
            let places = Places::new();
            places.mirror.put_blob("a/b", &blob);
            places.mirror.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
            for on in [On::Blob, On::Manifest] {
                places.mirror.fault(Fault::once(on, once.clone()));
            }
            places.registry.fault(Fault::lasting(On::Any, status(refusal, None)));
            let source = places.source(600);
            assert_eq!(source.manifest().map(|found| found.bytes).unwrap(), MANIFEST, "{once:?} {refusal}");
            assert_eq!(fetch(&source, &descriptor(&blob)), Ok(blob.clone()), "{once:?} {refusal}");
            assert_eq!((asked(&places.mirror), asked(&places.registry)), (4, 2), "{once:?} {refusal}");
        }
    }
}

#[test]
fn the_registry_has_the_last_word_once_the_mirror_was_waited_for() {
    let places = Places::new();
    places.mirror.fault(Fault::lasting(On::Any, status(503, None)));
    let source = places.source(600);
    let missing = descriptor(b"missing");
    assert!(matches!(source.manifest(), Err(ImageError::NotFound { .. })));
    assert_eq!(asked(&places.registry), 1);
    let before = asked(&places.mirror);
    assert!(before >= 4, "{before}");
    assert!(fetch(&source, &missing).unwrap_err().contains("not found"));
    assert_eq!(asked(&places.mirror), before + 1, "it is known to be away");
    places.registry.put_blob("a/b", b"missing");
    places.registry.fault(Fault::lasting(On::Any, status(502, None)));
    places.mirror.behave(|b| b.faults.clear());
    let text = fetch(&source, &missing).unwrap_err();
    assert!(text.contains("502") && text.contains(&places.registry.host()), "{text}");
}

#[test]
fn what_is_wrong_with_the_settings_of_one_place_is_its_own_affair() {
    let blob = bytes(1000);
    let wrong = |of: &str, host: &str, dir: &Path| match of {
        "certificates" => {
            let certs = dir.join("etc/containers/certs.d").join(host);
            std::fs::create_dir_all(&certs).expect("the directory is new");
            std::fs::write(certs.join("half.cert"), "").expect("the directory can be written");
        }
        _ => {
            let text = format!("{{\"credHelpers\":{{\"{host}\":\"absent\"}}}}");
            std::fs::create_dir_all(dir.join("etc/ostree")).expect("the directory is new");
            std::fs::write(dir.join("etc/ostree/auth.json"), text).expect("the directory can be written");
        }
    };
    for (of, words) in [("certificates", "no .key"), ("credentials", "docker-credential-absent")] {
        let places = Places::new();
        places.registry.put_blob("a/b", &blob);
        places.registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
        wrong(of, &places.mirror.host(), places.dir.path());
        let told = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&told);
        let options = RegistryOptions {
            anonymous: false,
            debug_auth: Some(Arc::new(move |line: &str| ear.lock().unwrap().push(line.to_owned()))),
            ..located(places.dir.path(), 600)
        };
        let source = source(&places.registry, &options);
        assert_eq!(source.manifest().map(|found| found.bytes).unwrap(), MANIFEST, "{of}");
        assert_eq!(fetch(&source, &descriptor(&blob)), Ok(blob.clone()), "{of}");
        assert_eq!((asked(&places.mirror), asked(&places.registry)), (0, 2), "{of}");
        let mirrors = format!("{of} for {}", places.mirror.host());
        let told = told.lock().unwrap();
        let count = told.iter().filter(|line| line.starts_with(&mirrors) && line.contains(words)).count();
        assert_eq!(count, 1, "{told:?}");

        // The only place there is has to have good ones, and before anything is asked.
        let alone = tempfile::tempdir().unwrap();
        wrong(of, &places.registry.host(), alone.path());
        let name = format!("{}/a/b:t", places.registry.host());
        let options = RegistryOptions { anonymous: false, ..located(alone.path(), 600) };
        let error = RegistrySource::open(&name, &options).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn wrong_bytes_from_everywhere_end_the_transfer() {
    let blob = bytes(MIB / 2);
    let places = Places::new();
    for registry in [&places.mirror, &places.registry] {
        registry.put_blob("a/b", &blob);
        registry.fault(Fault::lasting(On::Blob, Trouble::WrongByte(77)));
    }
    let text = fetch(&places.source(600), &descriptor(&blob)).unwrap_err();
    assert!(text.contains("expected digest"), "{text}");
    assert_eq!((asked(&places.mirror), asked(&places.registry)), (3, 3));
}

#[test]
fn a_place_that_asks_for_time_gets_it() {
    let blob = bytes(1000);
    let places = Places::new();
    for registry in [&places.mirror, &places.registry] {
        registry.put_blob("a/b", &blob);
    }
    places.mirror.fault(Fault::once(On::Blob, status(503, Some("2"))));
    places.registry.fault(Fault::lasting(On::Blob, status(503, None)));
    let source = places.source(10_000);
    let started = Instant::now();
    assert_eq!(fetch(&source, &descriptor(&blob)), Ok(blob.clone()));
    assert!(started.elapsed() >= Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(asked(&places.mirror), 2);
    assert!(asked(&places.registry) >= 3, "the other was asked meanwhile: {}", asked(&places.registry));

    // What is fetched next does not go there either before the time is over.
    let places = Places::new();
    for registry in [&places.mirror, &places.registry] {
        registry.put_blob("a/b", &blob);
    }
    places.mirror.fault(Fault::once(On::Blob, status(429, Some("30"))));
    let source = places.source(10_000);
    for _ in 0..3 {
        assert_eq!(fetch(&source, &descriptor(&blob)), Ok(blob.clone()));
    }
    assert_eq!((asked(&places.mirror), asked(&places.registry)), (1, 3));
}

#[test]
fn a_place_that_asks_for_too_much_time_is_left_out() {
    let places = Places::new();
    places.mirror.fault(Fault::lasting(On::Blob, status(503, Some("3600"))));
    places.registry.fault(Fault { on: On::Blob, trouble: status(503, None), times: 3 });
    let blob = bytes(1000);
    places.registry.put_blob("a/b", &blob);
    assert_eq!(fetch(&places.source(600), &descriptor(&blob)), Ok(blob.clone()));
    assert_eq!((asked(&places.mirror), asked(&places.registry)), (1, 4));
    places.registry.fault(Fault::lasting(On::Blob, status(429, Some("3600"))));
    let text = fetch(&places.source(600), &descriptor(&blob)).unwrap_err();
    assert!(text.contains("come again in 3600 s") && text.contains(&places.registry.host()), "{text}");
}

#[test]
fn bodies_that_end_early_and_parts_that_are_small_are_gone_on_with() {
    let blob = bytes(3 * MIB);
    let ends: Vec<_> = (1..20).map(|n| Fault::once(On::Blob, Trouble::End(n * 150_000))).collect();
    for faults in [ends, vec![Fault::lasting(On::Blob, Trouble::Cap(100_000))]] {
        let places = Places::new();
        places.registry.put_blob("a/b", &blob);
        faults.iter().for_each(|fault| places.registry.fault(fault.clone()));
        let started = Instant::now();
        assert_eq!(fetch(&source(&places.registry, &options(60_000)), &descriptor(&blob)), Ok(blob.clone()));
        assert!(started.elapsed() < Duration::from_secs(15), "no pause is made between them");
        let given: u64 = places.registry.seen().iter().map(|seen| seen.given).sum();
        assert_eq!(given, blob.len() as u64);
    }
}

#[test]
fn a_page_that_is_there_for_a_while_is_waited_for() {
    let blob = bytes(1000);
    for trouble in [Trouble::Page, Trouble::Packed, Trouble::End(0)] {
        let places = Places::new();
        places.registry.put_blob("a/b", &blob);
        places.registry.fault(Fault { on: On::Blob, trouble: trouble.clone(), times: 6 });
        let fetched = fetch(&source(&places.registry, &options(4_000)), &descriptor(&blob));
        assert_eq!(fetched, Ok(blob.clone()), "{trouble:?}");
    }
}

#[test]
fn a_manifest_by_tag_has_the_digest_its_answer_says() {
    let places = Places::new();
    let digest = places.registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
    let fetch = || source(&places.registry, &options(600)).manifest();
    let said = |digest: &str| Trouble::Digest(digest.to_owned());
    // In the middle of a name: it is still JSON, and nothing else would notice.
    let wrong = Trouble::WrongByte(4);
    for trouble in [wrong.clone(), said(&Digest::sha256(b"x").to_string())] {
        places.registry.forget();
        places.registry.fault(Fault::once(On::Manifest, trouble.clone()));
        assert_eq!(fetch().unwrap().bytes, MANIFEST, "{trouble:?}");
        assert_eq!(asked(&places.registry), 2, "{trouble:?}");
    }
    for harmless in ["", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e"] {
        places.registry.forget();
        places.registry.fault(Fault::once(On::Manifest, said(harmless)));
        assert_eq!(fetch().unwrap().digest, digest, "{harmless}");
        assert_eq!(asked(&places.registry), 1, "{harmless}");
    }
    places.registry.forget();
    places.registry.fault(Fault::lasting(On::Manifest, wrong));
    let text = whole(&fetch().unwrap_err());
    assert!(text.contains("manifest t") && text.contains(&format!("expected digest {digest}")), "{text}");
    assert_eq!(asked(&places.registry), 3);
}
