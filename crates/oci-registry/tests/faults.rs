//! Drives the registry client through everything that goes wrong on a network, once and for ever.

mod support;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use oci_image::{Descriptor, ImageError, ImageSource, VerifyReader};
use oci_registry::{Environment, RegistryOptions, RegistrySource, TransferOptions};
use support::{MANIFEST, MANIFEST_TYPE, MIB, bytes, descriptor, source, whole};
use testkit::registry::{Auth, Behaviour, Fault, On, Registry, Seen, Trouble};

/// Far more than any of these takes: a client that hangs is what it is to catch.
const BOUND: Duration = Duration::from_secs(60);

fn options() -> RegistryOptions {
    let transfer = TransferOptions { retries: 4, persistence: Duration::from_millis(600), ..Default::default() };
    let timeout = Duration::from_millis(500);
    RegistryOptions { tls_verify: false, anonymous: true, timeout, transfer, ..Default::default() }
}

fn keeping(dir: &Path) -> RegistryOptions {
    let mut options = options();
    options.transfer.partials = Some(dir.join("blobs"));
    options
}

fn start() -> Registry {
    Registry::start(Behaviour::default()).expect("the loopback interface has a free port")
}

fn holding(blob: &[u8]) -> Registry {
    let registry = start();
    registry.put_blob("a/b", blob);
    registry
}

/// Opens a blob as an importer does.
fn open(source: &RegistrySource, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
    source.blob_with_kept(descriptor, &Arc::default())
}

/// Reads a blob as an importer does: verified, and safe afterwards.
fn fetch(source: &RegistrySource, descriptor: &Descriptor) -> Result<Vec<u8>, String> {
    let started = Instant::now();
    let fetched = (|| {
        let mut got = Vec::new();
        let reader = open(source, descriptor).map_err(|e| whole(&e))?;
        let mut reader = VerifyReader::new(reader, descriptor, "blob");
        reader.read_to_end(&mut got).map_err(|e| whole(&e))?;
        reader.finish().map_err(|e| whole(&e))?;
        if let Some(partials) = source.partials() {
            partials.finish(&[descriptor]);
        }
        Ok(got)
    })();
    assert!(started.elapsed() < BOUND, "it hung for {:?}", started.elapsed());
    fetched
}

/// Reads `length` bytes of a blob and gives up.
fn begin(source: &RegistrySource, descriptor: &Descriptor, length: usize) {
    let mut reader = open(source, descriptor).expect("the blob is there");
    let mut buffer = vec![0; length];
    reader.read_exact(&mut buffer).expect("the registry is good");
}

fn blobs(seen: &[Seen]) -> Vec<&Seen> {
    seen.iter().filter(|seen| seen.method == "GET" && seen.target.contains("/blobs/sha256:")).collect()
}

/// The bytes of blobs that were given.
fn given(registry: &Registry) -> u64 {
    blobs(&registry.seen()).iter().map(|seen| seen.given).sum()
}

/// Where the parts that were asked for begin.
fn starts(registry: &Registry) -> Vec<u64> {
    let start = |seen: &&Seen| {
        let range = seen.range.as_deref().unwrap_or("bytes=0-");
        range.trim_start_matches("bytes=").split('-').next().and_then(|n| n.parse().ok()).expect("a start")
    };
    blobs(&registry.seen()).iter().map(start).collect()
}

fn files(dir: &Path) -> usize {
    dir.join("blobs").read_dir().map_or(0, Iterator::count)
}

#[test]
fn a_break_anywhere_costs_only_what_had_not_come() {
    let blob = bytes(5 * MIB + 333);
    for at in [0, 1, 70_000, MIB, 2 * MIB - 1, 3 * MIB + 7, 5 * MIB + 332] {
        for trouble in [Trouble::Stall(at), Trouble::Reset(at), Trouble::Truncate(at)] {
            let registry = holding(&blob);
            registry.fault(Fault::once(On::Blob, trouble.clone()));
            assert_eq!(fetch(&source(&registry, &options()), &descriptor(&blob)).unwrap(), blob, "{trouble:?}");
            let given = given(&registry);
            assert!(given <= (blob.len() + MIB) as u64, "{trouble:?}: {given}");
            assert_eq!(starts(&registry).len(), 2, "{trouble:?}");
            let second = blobs(&registry.seen())[1].range.clone();
            // A reset may overtake the first bytes.
            assert!(second.is_some() == (at > 0) || at == 1, "{trouble:?}");
            assert!(second.is_none_or(|range| range.ends_with(&format!("-{}", blob.len() - 1))), "a closed range");
        }
    }
}

#[test]
fn many_breaks_with_progress_between_them_are_no_reason_to_give_up() {
    let blob = bytes(3 * MIB);
    let registry = holding(&blob);
    for at in (1..20).map(|n| n * 150_000) {
        registry.fault(Fault::once(On::Blob, Trouble::Truncate(at)));
    }
    assert_eq!(fetch(&source(&registry, &options()), &descriptor(&blob)).unwrap(), blob);
    assert_eq!(starts(&registry).len(), 20);
    assert_eq!(given(&registry), blob.len() as u64);
}

#[test]
fn a_break_that_lasts_ends_once_and_says_where() {
    let blob = bytes(3 * MIB);
    let at = 2 * MIB;
    let cases = [
        (Trouble::Stall(at), "no progress while receiving for 0.5 s"),
        (Trouble::Silence, "no progress while waiting for the answer"),
        (Trouble::Reset(at), "network failure"),
        (Trouble::Truncate(at), "network failure"),
        (Trouble::Status(502, None), "502: TROUBLE: on request"),
        (Trouble::Status(429, None), "429: TROUBLE"),
        (Trouble::Packed, "packed with \"gzip\""),
        (Trouble::Page, "text/html"),
        (Trouble::WrongByte(5), "expected digest"),
    ];
    for (trouble, words) in cases {
        let registry = holding(&blob);
        registry.fault(Fault::lasting(On::Blob, trouble.clone()));
        let fetched = fetch(&source(&registry, &options()), &descriptor(&blob));
        let text = fetched.map(|got| got.len()).expect_err(&format!("{trouble:?}"));
        assert!(text.contains(words), "{trouble:?}: {text}");
        assert!(text.contains(&descriptor(&blob).digest.to_string()), "{trouble:?}: {text}");
        // What a reader verified, only its digest tells of.
        assert!(text.contains(&registry.host()), "{trouble:?}: {text}");
        let asked = starts(&registry).len();
        assert!((1..=40).contains(&asked), "{trouble:?}: asked {asked} times");
    }
}

#[test]
fn a_status_that_passes_is_waited_for() {
    let blob = bytes(2 * MIB);
    for (status, wait) in [(500, None), (502, None), (503, Some("1")), (504, None), (429, Some("1"))] {
        let registry = holding(&blob);
        registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
        for on in [On::Blob, On::Manifest] {
            let trouble = Trouble::Status(status, wait.map(str::to_owned));
            registry.fault(Fault { on, trouble, times: 2 });
        }
        let started = Instant::now();
        let source = source(&registry, &options());
        assert_eq!(source.manifest().unwrap().bytes, MANIFEST, "{status}");
        assert_eq!(fetch(&source, &descriptor(&blob)).unwrap(), blob, "{status}");
        assert!(wait.is_none() || started.elapsed() >= Duration::from_secs(4), "{status}: it did not wait");
        assert_eq!(starts(&registry).len(), 3);
    }
}

#[test]
fn a_wait_that_is_too_long_ends_at_once_and_a_refusal_too() {
    let blob = bytes(2 * MIB);
    let date = "Fri, 31 Dec 2100 23:59:59 GMT";
    let cases = [
        (429, Some("3600"), "come again in 3600 s"),
        (503, Some(date), "come again in"),
        (403, None, "403"),
        (400, None, "400"),
        (410, None, "410"),
    ];
    for (status, wait, words) in cases {
        let registry = holding(&blob);
        registry.fault(Fault::lasting(On::Blob, Trouble::Status(status, wait.map(str::to_owned))));
        let text = fetch(&source(&registry, &options()), &descriptor(&blob)).unwrap_err();
        assert!(text.contains(words), "{status}: {text}");
        assert_eq!(starts(&registry).len(), 1, "{status}");
    }
}

#[test]
fn a_date_is_waited_for_as_seconds_are() {
    let blob = bytes(1000);
    let registry = holding(&blob);
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3);
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&then).unwrap();
    registry.fault(Fault::once(On::Blob, Trouble::Status(429, Some(date))));
    let started = Instant::now();
    assert_eq!(fetch(&source(&registry, &options()), &descriptor(&blob)).unwrap(), blob);
    // A date has whole seconds.
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
}

#[test]
fn an_endless_manifest_is_cut() {
    let registry = start();
    registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
    registry.fault(Fault::lasting(On::Manifest, Trouble::Endless));
    let text = whole(&source(&registry, &options()).manifest().unwrap_err());
    assert!(text.contains("larger than 4194304 bytes"), "{text}");
}

#[test]
fn a_first_question_is_the_one_that_is_meant() {
    let blob = bytes(1000);
    let registry = holding(&blob);
    registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
    let options = options();
    for _ in 0..2 {
        registry.forget();
        let source = source(&registry, &options);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| assert_eq!(source.manifest().unwrap().bytes, MANIFEST));
                scope.spawn(|| assert_eq!(fetch(&source, &descriptor(&blob)).unwrap(), blob));
            }
        });
        let seen = registry.seen();
        assert!(seen.iter().all(|seen| seen.target != "/v2/"), "{seen:?}");
        assert_eq!(blobs(&seen).len(), 3);
    }
}

#[test]
fn a_server_that_is_away_for_a_while_is_waited_for() {
    let blob = bytes(2 * MIB);
    let registry = holding(&blob);
    registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
    let mut options = options();
    options.transfer.persistence = Duration::from_secs(10);
    let source = source(&registry, &options);
    registry.go_away(Duration::from_millis(1500));
    assert_eq!(source.manifest().unwrap().bytes, MANIFEST);
    registry.go_away(Duration::from_millis(1500));
    assert_eq!(fetch(&source, &descriptor(&blob)).unwrap(), blob);
}

#[test]
fn servers_that_answer_a_range_their_own_way() {
    let blob = bytes(4 * MIB);
    let at = 2 * MIB;
    let odd = [
        (Trouble::IgnoreRange, 2),
        (Trouble::Status(416, None), 3),
        (Trouble::Shifted(1000), 2),
        (Trouble::Shifted(-1000), 3),
        (Trouble::Misstated(1000), 3),
        (Trouble::NoContentRange, 3),
        (Trouble::SaidPacked, 2),
    ];
    for (trouble, asked) in odd {
        let registry = holding(&blob);
        registry.fault(Fault::once(On::Blob, Trouble::Truncate(at)));
        registry.fault(Fault::lasting(On::Range, trouble.clone()));
        assert_eq!(fetch(&source(&registry, &options()), &descriptor(&blob)).unwrap(), blob, "{trouble:?}");
        assert_eq!(starts(&registry).len(), asked, "{trouble:?}");
    }
    let registry = holding(&blob);
    registry.fault(Fault::lasting(On::Blob, Trouble::Endless));
    assert_eq!(fetch(&source(&registry, &options()), &descriptor(&blob)).unwrap(), blob, "it is cut at its size");
    for trouble in [Trouble::Packed, Trouble::Page] {
        let registry = holding(&blob);
        registry.fault(Fault::once(On::Blob, trouble.clone()));
        assert_eq!(fetch(&source(&registry, &options()), &descriptor(&blob)).unwrap(), blob, "{trouble:?}");
    }
}

#[test]
fn a_wrong_byte_is_repaired_where_nobody_has_read_it_and_else_in_the_next_run() {
    let small = bytes(MIB / 2);
    let registry = holding(&small);
    registry.fault(Fault::once(On::Blob, Trouble::WrongByte(77)));
    assert_eq!(fetch(&source(&registry, &options()), &descriptor(&small)).unwrap(), small);
    registry.fault(Fault::lasting(On::Blob, Trouble::WrongByte(77)));
    registry.forget();
    let text = fetch(&source(&registry, &options()), &descriptor(&small)).unwrap_err();
    assert!(text.contains("expected digest") && starts(&registry).len() <= 3, "{text}");

    let large = bytes(4 * MIB + 9);
    for at in [0, MIB, 4 * MIB + 8] {
        let dir = tempfile::tempdir().unwrap();
        let registry = holding(&large);
        registry.fault(Fault::once(On::Blob, Trouble::WrongByte(at)));
        let text = fetch(&source(&registry, &keeping(dir.path())), &descriptor(&large)).unwrap_err();
        assert!(text.contains("expected digest"), "{text}");
        assert_eq!(files(dir.path()), 0, "a poisoned partial does not survive");
        assert_eq!(fetch(&source(&registry, &keeping(dir.path())), &descriptor(&large)).unwrap(), large);
        assert_eq!(files(dir.path()), 0);
    }
}

#[test]
fn what_is_kept_is_all_that_is_not_fetched_again() {
    let blob = bytes(20 * MIB + 4321);
    let dir = tempfile::tempdir().unwrap();
    let registry = holding(&blob);
    let whole = descriptor(&blob);
    for tenth in 1..=10 {
        let dir = dir.path().join(tenth.to_string());
        let read = blob.len() / 10 * tenth;
        begin(&source(&registry, &keeping(&dir)), &whole, read);
        assert_eq!(files(&dir), 1, "the blob");
        registry.forget();
        assert_eq!(fetch(&source(&registry, &keeping(&dir)), &whole).unwrap(), blob);
        // One block beyond the last verified one, and one before the place where the reader gave up.
        let most = (blob.len() - read + 2 * MIB) as u64;
        assert!(given(&registry) <= most, "after {read} bytes {} were given again", given(&registry));
        assert_eq!(files(&dir), 0, "it is removed once it was read");
    }
    // Ten tries, each a tenth further.
    let dir = dir.path().join("all");
    let mut all = 0;
    for tenth in 1..10 {
        registry.forget();
        begin(&source(&registry, &keeping(&dir)), &whole, blob.len() / 10 * tenth);
        all = starts(&registry).first().copied().unwrap_or(all);
    }
    assert!(all >= (blob.len() / 10 * 8 - 2 * MIB) as u64, "{all}");
}

#[test]
fn what_was_kept_is_told_apart_from_what_came() {
    let blob = bytes(8 * MIB);
    let dir = tempfile::tempdir().unwrap();
    let registry = holding(&blob);
    for begun in [0, 5 * MIB] {
        if begun > 0 {
            begin(&source(&registry, &keeping(dir.path())), &descriptor(&blob), begun);
        }
        registry.forget();
        let kept = Arc::default();
        let source = source(&registry, &keeping(dir.path()));
        let mut got = Vec::new();
        source.blob_with_kept(&descriptor(&blob), &kept).unwrap().read_to_end(&mut got).unwrap();
        assert_eq!(kept.load(Ordering::SeqCst), blob.len() as u64 - given(&registry));
        assert_eq!(kept.load(Ordering::SeqCst) > 0, begun > 0);
    }
}

#[test]
fn a_reader_that_stumbles_over_a_wrong_byte_does_not_meet_it_again() {
    let blob = bytes(8 * MIB);
    let whole = descriptor(&blob);
    for (wrong, stumbles, runs) in [(4 * MIB + 5, 4 * MIB + 70_000, 1), (MIB, 6 * MIB, 2)] {
        let dir = tempfile::tempdir().unwrap();
        let registry = holding(&blob);
        registry.fault(Fault::once(On::Blob, Trouble::WrongByte(wrong)));
        // A decompressor fails at the same place as long as the same bytes come.
        for run in 0..runs {
            let source = source(&registry, &keeping(dir.path()));
            let mut reader = open(&source, &whole).unwrap();
            let mut got = vec![0; stumbles];
            reader.read_exact(&mut got).unwrap();
            assert_ne!(got[wrong], blob[wrong], "run {run}");
            drop(reader);
            source.partials().unwrap().doubt(&whole);
        }
        registry.forget();
        assert_eq!(fetch(&source(&registry, &keeping(dir.path())), &whole).map(|got| got == blob), Ok(true));
        assert!(runs > 1 || starts(&registry)[0] >= 3 * MIB as u64, "{:?}", starts(&registry));
        assert_eq!(files(dir.path()), 0);
    }
}

#[test]
fn a_reader_that_is_stopped_for_another_blob_loses_nothing() {
    let (blob, other) = (bytes(8 * MIB), bytes(2 * MIB));
    let dir = tempfile::tempdir().unwrap();
    let registry = holding(&blob);
    for run in 0..3 {
        registry.forget();
        let source = source(&registry, &keeping(dir.path()));
        begin(&source, &descriptor(&blob), 4 * MIB);
        assert!(fetch(&source, &descriptor(&other)).is_err());
        assert_eq!(files(dir.path()), 1, "nothing is kept of what is not there");
        // The other one's question is among them.
        let large = |seen: &&Seen| seen.target.contains(&descriptor(&blob).digest.to_string()) && seen.range.is_none();
        assert!(run == 0 || !registry.seen().iter().any(|seen| large(&seen)), "it began anew");
        let at_hand = source.partials().unwrap().at_hand(&descriptor(&blob));
        assert!(at_hand >= 4 * MIB as u64 && at_hand.is_multiple_of(MIB as u64), "{at_hand}");
    }
}

#[test]
fn a_torn_or_foreign_partial_is_cut_where_it_is_wrong() {
    let blob = bytes(6 * MIB);
    let whole = descriptor(&blob);
    let registry = holding(&blob);
    for (spoil, expected) in [(3 * MIB + 1000, 3 * MIB as u64), (0, 0)] {
        let dir = tempfile::tempdir().unwrap();
        begin(&source(&registry, &keeping(dir.path())), &whole, 5 * MIB);
        let mut kept = dir.path().join("blobs").read_dir().unwrap().map(|entry| entry.unwrap().path());
        let path = kept.find(|path| path.extension().is_none()).unwrap();
        let mut kept = std::fs::read(&path).unwrap();
        kept[spoil] ^= 1;
        std::fs::write(&path, kept).unwrap();
        registry.forget();
        assert_eq!(fetch(&source(&registry, &keeping(dir.path())), &whole).unwrap(), blob);
        assert!(starts(&registry)[0] <= expected && starts(&registry)[0] + 2 * MIB as u64 >= expected);
    }
}

#[test]
fn a_blob_that_is_read_to_its_end_has_its_digest() {
    for (size, wrong) in [(1000, 999), (3 * MIB, 0), (3 * MIB, 3 * MIB - 1), (2 * MIB + 7, MIB)] {
        let blob = bytes(size);
        let registry = holding(&blob);
        let whole = descriptor(&blob);
        let read = |trouble: Option<Trouble>| {
            registry.behave(|b| b.faults.clear());
            trouble.into_iter().for_each(|trouble| registry.fault(Fault::lasting(On::Blob, trouble)));
            let source = source(&registry, &options());
            assert!(source.checks_digests());
            let mut got = Vec::new();
            // Nobody looks at the digest again.
            source.blob(&whole).map_err(std::io::Error::other)?.read_to_end(&mut got).map(|_| got)
        };
        assert_eq!(read(None).ok().map(|got| got == blob), Some(true), "{size}");
        assert!(read(Some(Trouble::WrongByte(wrong))).is_err(), "{wrong} of {size}");
    }
}

#[test]
fn two_who_want_the_same_blob_fetch_it_once() {
    for (size, rate) in [(12 * MIB, 16 << 20), (MIB, 2 << 20), (MIB / 4, 512 << 10)] {
        let blob = bytes(size);
        let registry = holding(&blob);
        registry.behave(|b| b.rate = Some(rate));
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let source = source(&registry, &keeping(dir.path()));
                    assert_eq!(fetch(&source, &descriptor(&blob)).unwrap(), blob);
                });
            }
        });
        assert_eq!(starts(&registry), [0], "{size} bytes");
        assert_eq!(files(dir.path()), 0);
    }
}

#[test]
fn who_follows_somebody_that_stands_still_goes_on_alone() {
    let blob = bytes(8 * MIB);
    let whole = descriptor(&blob);
    let registry = holding(&blob);
    let dir = tempfile::tempdir().unwrap();
    let still = source(&registry, &keeping(dir.path()));
    let mut first = open(&still, &whole).unwrap();
    // Far enough that a block is kept.
    first.read_exact(&mut vec![0; MIB + 1000]).unwrap();
    let started = Instant::now();
    assert_eq!(fetch(&source(&registry, &keeping(dir.path())), &whole).map(|got| got == blob), Ok(true));
    assert!(started.elapsed() >= options().timeout * 2, "{:?}", started.elapsed());
    assert!(matches!(starts(&registry)[..], [0, rest] if rest >= MIB as u64), "{:?}", starts(&registry));
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).unwrap();
    assert!(rest == blob[MIB + 1000..], "whoever was followed has all of it");
}

#[test]
fn a_reader_that_is_not_read_is_not_idle() {
    let blob = bytes(8 * MIB);
    let registry = holding(&blob);
    let source = source(&registry, &options());
    let mut reader = open(&source, &descriptor(&blob)).unwrap();
    reader.read_exact(&mut [0; 1000]).unwrap();
    std::thread::sleep(options().timeout * 3);
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!(rest.len(), blob.len() - 1000);
    assert_eq!(starts(&registry).len(), 1);
}

#[test]
fn slow_goes_on_unless_there_is_a_floor() {
    let blob = bytes(2 * MIB);
    let registry = holding(&blob);
    registry.behave(|b| b.rate = Some(MIB as u64));
    assert_eq!(fetch(&source(&registry, &options()), &descriptor(&blob)).unwrap(), blob);
    assert_eq!(starts(&registry).len(), 1);
    let mut options = options();
    options.transfer.min_rate = Some(100 << 20);
    registry.forget();
    registry.behave(|b| b.rate = Some(64 << 10));
    let started = Instant::now();
    let mut reader = open(&source(&registry, &options), &descriptor(&blob)).unwrap();
    while starts(&registry).len() < 2 {
        reader.read_exact(&mut [0; 1000]).unwrap();
        assert!(started.elapsed() < BOUND, "the slow connection was not left");
    }
}

#[test]
fn a_ceiling_and_a_budget() {
    let blob = bytes(6 * MIB);
    let registry = holding(&blob);
    let dir = tempfile::tempdir().unwrap();
    let mut options = keeping(dir.path());
    options.transfer.limit_rate = Some(6 << 20);
    let started = Instant::now();
    assert_eq!(fetch(&source(&registry, &options), &descriptor(&blob)).unwrap(), blob);
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());

    options.run = Arc::default();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let source = source(&registry, &options);
            scope.spawn(move || fetch(&source, &descriptor(&bytes(6 * MIB))).unwrap());
        }
    });
    assert!(started.elapsed() >= Duration::from_millis(900), "two images of one run: {:?}", started.elapsed());

    options.transfer.limit_rate = None;
    options.transfer.max_bytes = Some(2 * MIB as u64);
    registry.forget();
    for run in 0..3 {
        options.run = Arc::default();
        let fetched = fetch(&source(&registry, &options), &descriptor(&blob));
        match fetched {
            Ok(got) => assert!(run == 2 && got == blob),
            Err(text) => assert!(run < 2 && text.contains("2097152 bytes that may be fetched"), "{run}: {text}"),
        }
    }
    assert_eq!(given(&registry), blob.len() as u64);
}

/// Reads blobs at once, all until the first fails, as an importer does; which of them came whole.
fn fetch_together(source: &RegistrySource, blobs: &[Descriptor]) -> Vec<bool> {
    let failed = AtomicBool::new(false);
    let read = |blob: &Descriptor| {
        let Ok(mut reader) = open(source, blob) else {
            failed.store(true, Ordering::Relaxed);
            return false;
        };
        let mut buffer = vec![0; 50_000];
        while !failed.load(Ordering::Relaxed) {
            match reader.read(&mut buffer) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(_) => failed.store(true, Ordering::Relaxed),
            }
        }
        false
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = blobs.iter().map(|blob| scope.spawn(|| read(blob))).collect();
        threads.into_iter().map(|thread| thread.join().expect("readers do not panic")).collect()
    })
}

#[test]
fn a_budget_brings_every_run_further_with_several_large_blobs() {
    let all: Vec<Vec<u8>> = [12, 10, 6].map(|size| bytes(size * MIB + 77)).into();
    for behaviour in [Behaviour::default(), Behaviour { rate: Some(16 << 20), ..Default::default() }] {
        let registry = Registry::start(behaviour).unwrap();
        all.iter().for_each(|blob| drop(registry.put_blob("a/b", blob)));
        let dir = tempfile::tempdir().unwrap();
        let mut options = keeping(dir.path());
        options.transfer.max_bytes = Some(4 * MIB as u64);
        let mut left: Vec<Descriptor> = all.iter().map(|blob| descriptor(blob)).collect();
        let mut runs = 0;
        while !left.is_empty() {
            (options.run, runs) = (Arc::default(), runs + 1);
            registry.forget();
            let mut whole = fetch_together(&source(&registry, &options), &left).into_iter();
            left.retain(|_| whole.next() == Some(false));
            assert!(given(&registry) <= 4 * MIB as u64, "run {runs}: {}", given(&registry));
            assert!(runs <= 12, "28 MiB were not fetched in 12 runs of 4 MiB");
        }
    }
}

#[test]
fn tokens_and_signed_addresses_that_end_are_asked_for_again() {
    let blob = bytes(3 * MIB);
    let user = ("ann".to_owned(), "pw".to_owned());
    let storage = holding(&blob);
    storage.fault(Fault::once(On::Blob, Trouble::Truncate(MIB)));
    storage.fault(Fault::once(On::Blob, Trouble::Status(403, None)));
    let registry = Registry::start(Behaviour {
        auth: Auth::Token { login: Some(user.clone()), identity: None, uses: 1 },
        blobs_at: Some(storage.url()),
        ..Default::default()
    })
    .unwrap();
    registry.fault(Fault::once(On::Token, Trouble::Status(503, None)));
    registry.fault(Fault::once(On::Token, Trouble::Silence));
    let options = RegistryOptions { anonymous: false, credentials: Some(user), ..options() };
    assert_eq!(fetch(&source(&registry, &options), &descriptor(&blob)).unwrap(), blob);
    let seen = storage.seen();
    assert!(seen.iter().all(|seen| seen.authorization.is_none()), "{seen:?}");
    let mut addresses: Vec<_> = seen.iter().map(|seen| seen.target.clone()).collect();
    addresses.dedup();
    assert_eq!(addresses.len(), 3, "each with a new signature: {addresses:?}");
    storage.fault(Fault::lasting(On::Blob, Trouble::Status(403, None)));
    let text = fetch(&source(&registry, &options), &descriptor(&blob)).unwrap_err();
    assert!(text.contains(&format!("403 from {}", storage.url())) && !text.contains("s3cret"), "{text}");
}

#[test]
fn a_token_server_that_stands_still_is_waited_for_once_by_all() {
    let blob = bytes(1000);
    let registry = Registry::start(Behaviour {
        auth: Auth::Token { login: None, identity: None, uses: 100 },
        ..Default::default()
    })
    .unwrap();
    registry.fault(Fault::lasting(On::Token, Trouble::Silence));
    let source = source(&registry, &options());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let text = fetch(&source, &descriptor(&blob)).unwrap_err();
                assert!(text.contains("no progress while waiting for the"), "{text}");
            });
        }
    });
    let asked = registry.seen().iter().filter(|seen| seen.target.starts_with("/token")).count();
    assert!(asked <= 16, "8 readers with 4 tries each asked {asked} times");
}

/// Options with a configuration that puts `mirror` before the registry.
fn mirrored(dir: &Path, registry: &Registry, mirror: &Registry) -> RegistryOptions {
    let file = dir.join("etc/containers/registries.conf");
    std::fs::create_dir_all(file.parent().expect("it has one")).expect("the directory is new");
    let (location, insecure) = (registry.host(), "insecure = true");
    let text = format!(
        "[[registry]]\nlocation = \"{location}\"\n{insecure}\n[[registry.mirror]]\nlocation = \"{}\"\n{insecure}\n",
        mirror.host()
    );
    std::fs::write(file, text).expect("the directory can be written");
    RegistryOptions { environment: Environment::new(dir, 0, &[]), ..options() }
}

#[test]
fn a_mirror_that_fails_at_any_point_is_left_for_the_next_place() {
    let blob = bytes(4 * MIB);
    let at = 2 * MIB;
    let cases = [
        (Trouble::Status(404, None), 0),
        (Trouble::Status(403, None), 0),
        (Trouble::Status(503, None), 0),
        (Trouble::Page, 0),
        (Trouble::Truncate(at), at),
        (Trouble::Stall(at), at),
    ];
    for (trouble, came) in cases {
        let dir = tempfile::tempdir().unwrap();
        let (mirror, registry) = (holding(&blob), holding(&blob));
        mirror.fault(Fault::lasting(On::Blob, trouble.clone()));
        let source = source(&registry, &mirrored(dir.path(), &registry, &mirror));
        assert_eq!(fetch(&source, &descriptor(&blob)).map(|got| got.len()), Ok(blob.len()), "{trouble:?}");
        assert_eq!(starts(&mirror).len(), 1, "{trouble:?}");
        assert_eq!(starts(&registry), [came as u64], "{trouble:?}");
        assert_eq!(given(&registry), (blob.len() - came) as u64, "{trouble:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let (mirror, registry) = (start(), start());
    registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
    let options = mirrored(dir.path(), &registry, &mirror);
    assert_eq!(source(&registry, &options).manifest().unwrap().bytes, MANIFEST);
    let missing = RegistrySource::open(&format!("{}/a/c:t", registry.host()), &options).unwrap();
    let text = whole(&missing.manifest().unwrap_err());
    assert!(text.contains(&registry.host()) && text.contains("not found"), "{text}");
}

#[test]
fn a_place_that_gave_wrong_bytes_is_asked_last_the_next_time() {
    let blob = bytes(4 * MIB);
    let dir = tempfile::tempdir().unwrap();
    let (mirror, registry) = (holding(&blob), holding(&blob));
    mirror.fault(Fault::lasting(On::Blob, Trouble::WrongByte(2 * MIB)));
    let source = source(&registry, &mirrored(dir.path(), &registry, &mirror));
    assert!(fetch(&source, &descriptor(&blob)).unwrap_err().contains("expected digest"));
    assert_eq!(fetch(&source, &descriptor(&blob)).unwrap(), blob);
    assert_eq!((starts(&mirror).len(), starts(&registry).len()), (1, 1));
}

#[test]
fn settings_of_a_place_are_its_own_affair() {
    let blob = bytes(1000);
    let dir = tempfile::tempdir().unwrap();
    let (mirror, registry) = (holding(&blob), holding(&blob));
    let options = mirrored(dir.path(), &registry, &mirror);
    let certs = dir.path().join("etc/containers/certs.d").join(registry.host());
    std::fs::create_dir_all(&certs).unwrap();
    std::fs::write(certs.join("client.cert"), "no certificate").unwrap();
    let source = source(&registry, &options);
    assert_eq!(fetch(&source, &descriptor(&blob)).unwrap(), blob);
    assert_eq!((starts(&mirror).len(), starts(&registry).len()), (1, 0));
    mirror.fault(Fault::lasting(On::Blob, Trouble::Status(404, None)));
    let text = fetch(&source, &descriptor(&blob)).unwrap_err();
    assert!(text.contains("client.cert"), "{text}");
}

#[test]
fn who_gives_no_parts_is_asked_for_the_whole() {
    let blob = bytes(3 * MIB + 77);
    let status = |status| Trouble::Status(status, None);
    for trouble in [status(400), status(412), status(501), Trouble::Page, Trouble::Packed, Trouble::PackedPart] {
        let registry = holding(&blob);
        let dir = tempfile::tempdir().unwrap();
        begin(&source(&registry, &keeping(dir.path())), &descriptor(&blob), 2 * MIB + 5);
        registry.fault(Fault::lasting(On::Range, trouble.clone()));
        let fetched = fetch(&source(&registry, &keeping(dir.path())), &descriptor(&blob));
        assert_eq!(fetched.as_deref(), Ok(&*blob), "{trouble:?}");
    }
}

#[test]
fn what_drips_ends() {
    let registry = start();
    registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
    registry.fault(Fault::once(On::Manifest, Trouble::Drip));
    assert_eq!(source(&registry, &options()).manifest().unwrap().bytes, MANIFEST);
    registry.fault(Fault::lasting(On::Manifest, Trouble::Drip));
    let started = Instant::now();
    let text = whole(&source(&registry, &options()).manifest().unwrap_err());
    assert!(text.contains("slower than") && started.elapsed() < BOUND, "{text}");
    // Of a refusal, only the words are missing.
    let absent = start();
    absent.fault(Fault::lasting(On::Manifest, Trouble::Drip));
    let text = whole(&source(&absent, &options()).manifest().unwrap_err());
    assert!(text.contains("not found") && started.elapsed() < BOUND, "{text}");
}

#[test]
fn a_token_server_that_has_moved_is_followed_without_credentials() {
    let with = |login, identity| {
        let auth = Auth::Token { login, identity, uses: 100 };
        let registry = Registry::start(Behaviour { auth, ..Default::default() }).unwrap();
        registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
        registry
    };
    let user = ("ann".to_owned(), "pw".to_owned());
    let login = RegistryOptions { anonymous: false, credentials: Some(user.clone()), ..options() };
    let token = "/token?service=test&scope=repository:a/b:pull";
    // On the same host the password goes along.
    let here = with(Some(user.clone()), None);
    here.fault(Fault::once(On::Token, Trouble::Moved(token.to_owned())));
    source(&here, &login).manifest().unwrap();
    // To another host it does not. What that one gives is good here, because both count their tokens.
    let (there, moved) = (with(None, None), with(Some(user), None));
    moved.fault(Fault::lasting(On::Token, Trouble::Moved(format!("{}{token}", there.url()))));
    source(&moved, &login).manifest().unwrap();
    let seen = there.seen();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.authorization.is_none()), "{seen:?}");
    // Round in a circle, it ends.
    let circle = with(None, None);
    circle.fault(Fault::lasting(On::Token, Trouble::Moved(token.to_owned())));
    let text = whole(&source(&circle, &options()).manifest().unwrap_err());
    assert!(text.contains("too many redirects"), "{text}");
}

#[test]
fn a_garbled_token_is_asked_for_again() {
    let auth = Auth::Token { login: None, identity: None, uses: 100 };
    for (trouble, passes) in [
        (Trouble::Page, true),
        (Trouble::Status(408, None), true),
        (Trouble::WrongByte(0), true),
        (Trouble::WrongByte(12), true),
        (Trouble::Status(403, None), false),
    ] {
        let registry = Registry::start(Behaviour { auth: auth.clone(), ..Default::default() }).unwrap();
        registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
        registry.fault(Fault::once(On::Token, trouble.clone()));
        let found = source(&registry, &options()).manifest();
        assert_eq!(found.is_ok(), passes, "{trouble:?}: {:?}", found.err());
    }
}
