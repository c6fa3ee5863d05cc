//! Drives the registry client against the loopback registry, good and misbehaving.

mod support;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use oci_image::{Descriptor, Digest, ImageError, ImageSink, ImageSource, RawManifest};
use oci_registry::{RegistryOptions, RegistrySink, RegistrySource, TransferOptions};
use support::{MANIFEST, MANIFEST_TYPE, MIB, bytes, descriptor, source, whole};
use testkit::registry::{Auth, Behaviour, Fault, On, Registry, Seen, Trouble};

fn options() -> RegistryOptions {
    let transfer = TransferOptions { retries: 2, persistence: Duration::from_millis(200), ..Default::default() };
    RegistryOptions { tls_verify: false, anonymous: true, transfer, ..Default::default() }
}

fn login(user: &str, password: &str) -> RegistryOptions {
    RegistryOptions { anonymous: false, credentials: Some((user.into(), password.into())), ..options() }
}

fn start(behaviour: Behaviour) -> Registry {
    Registry::start(behaviour).expect("the loopback interface has a free port")
}

fn sink(registry: &Registry, options: &RegistryOptions) -> RegistrySink {
    RegistrySink::open(&format!("{}/a/b:t", registry.host()), options).expect("the name is good and the registry runs")
}

fn raw(bytes: &[u8]) -> RawManifest {
    RawManifest { bytes: bytes.to_vec(), media_type: MANIFEST_TYPE.into(), digest: Digest::sha256(bytes) }
}

fn fetch(source: &RegistrySource, descriptor: &Descriptor) -> Result<Vec<u8>, String> {
    let mut got = Vec::new();
    let mut reader = source.blob(descriptor).map_err(|e| whole(&e))?;
    reader.read_to_end(&mut got).map_err(|e| whole(&e))?;
    Ok(got)
}

fn push(sink: &RegistrySink, known: Option<&Descriptor>, bytes: &[u8]) -> Result<(), String> {
    let mut writer = sink.start_blob(known).map_err(|e| whole(&e))?;
    writer.write_all(bytes).map_err(|e| whole(&e))?;
    writer.commit(&descriptor(bytes)).map_err(|e| whole(&e))?;
    // A small one may still be on its way.
    match sink.has_blob(&descriptor(bytes)).map_err(|e| whole(&e))? {
        true => Ok(()),
        false => Err("it is not there".to_owned()),
    }
}

fn count(seen: &[Seen], method: &str) -> usize {
    seen.iter().filter(|seen| seen.method == method).count()
}

#[test]
fn an_image_goes_there_and_comes_back() {
    let registry = start(Behaviour::default());
    let (small, large) = (bytes(1000), bytes(9 * MIB + 5));
    let sink = sink(&registry, &options());
    assert_eq!(sink.diff_ids(), []);
    for blob in [&small, &large] {
        assert!(!sink.has_blob(&descriptor(blob)).unwrap());
        push(&sink, Some(&descriptor(blob)), blob).unwrap();
        assert!(sink.has_blob(&descriptor(blob)).unwrap());
    }
    assert_eq!(sink.finish(&raw(MANIFEST)).unwrap(), Digest::sha256(MANIFEST));
    assert_eq!(count(&registry.seen(), "PATCH"), 0);
    assert_eq!(registry.open_uploads(), 0);

    let source = source(&registry, &options());
    assert_eq!(source.manifest().unwrap(), raw(MANIFEST));
    let by_digest = Descriptor::new(MANIFEST_TYPE, Digest::sha256(MANIFEST), MANIFEST.len() as u64);
    assert_eq!(source.manifest_at(&by_digest).unwrap(), raw(MANIFEST));
    assert!(source.manifest_at(&Descriptor { size: 3, ..by_digest }).is_err());
    assert_eq!(fetch(&source, &descriptor(&small)).unwrap(), small);
    assert_eq!(fetch(&source, &descriptor(&large)).unwrap(), large);
}

#[test]
fn a_new_tag_is_likely_to_have_the_layers_of_another_one() {
    let registry = start(Behaviour::default());
    let layer = Digest::sha256(b"layer");
    for (tag, diff_ids) in [("2", vec![layer.to_string()]), ("1", Vec::new()), ("sha256-0.sig", Vec::new())] {
        let rootfs = format!(r#"{{"type":"layers","diff_ids":{diff_ids:?}}}"#);
        let config = format!(r#"{{"architecture":"amd64","os":"linux","rootfs":{rootfs}}}"#);
        registry.put_blob("a/b", config.as_bytes());
        let blob = |kind: &str, bytes: &[u8]| {
            let Descriptor { digest, size, .. } = descriptor(bytes);
            format!(r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{digest}","size":{size}}}"#)
        };
        let layers: String = diff_ids.iter().map(|_| blob("layer.v1.tar", b"layer")).collect();
        let config = blob("config.v1+json", config.as_bytes());
        let manifest = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layers}]}}"#);
        registry.put_manifest("a/b", tag, MANIFEST_TYPE, manifest.as_bytes());
    }
    assert_eq!(sink(&registry, &options()).diff_ids(), [layer]);
}

#[test]
fn a_blob_of_unknown_digest_goes_in_large_pieces() {
    for behaviour in [
        Behaviour { pieces_only: true, ..Default::default() },
        Behaviour { relative: true, min_piece: Some(9 * MIB), ..Default::default() },
    ] {
        let least = behaviour.min_piece.unwrap_or(6 * MIB);
        let registry = start(behaviour);
        let sink = sink(&registry, &options());
        let blob = bytes(2 * least + 77);
        let mut writer = sink.start_blob(None).unwrap();
        for piece in blob.chunks(100_000) {
            writer.write_all(piece).unwrap();
        }
        writer.commit(&descriptor(&blob)).unwrap();
        assert_eq!(registry.blob("a/b", &descriptor(&blob).digest).unwrap(), blob);
        let sent: Vec<usize> = registry.seen().iter().filter(|s| s.method == "PATCH").map(|s| s.length).collect();
        assert_eq!(sent, [least, least, 77]);
        assert_eq!(registry.open_uploads(), 0);
    }
}

#[test]
fn an_upload_that_is_given_up_is_cancelled() {
    let registry = start(Behaviour::default());
    let sink = sink(&registry, &options());
    let blob = bytes(20 * MIB);
    for known in [None, Some(&descriptor(&blob))] {
        let mut writer = sink.start_blob(known).unwrap();
        writer.write_all(&blob[..17 * MIB]).unwrap();
        assert!(writer.commit(&descriptor(&blob)).is_err());
        let mut writer = sink.start_blob(known).unwrap();
        writer.write_all(&blob[..17 * MIB]).unwrap();
        drop(writer);
    }
    assert_eq!(count(&registry.seen(), "DELETE"), 4);
    assert_eq!(registry.open_uploads(), 0);
    assert!(registry.blob("a/b", &descriptor(&blob).digest).is_none());
}

#[test]
fn a_mount_saves_the_upload_and_a_refused_one_becomes_it() {
    for refuse_mount in [false, true] {
        let registry = start(Behaviour { refuse_mount, ..Default::default() });
        let blob = bytes(5000);
        registry.put_blob("other/one", &blob);
        let options = RegistryOptions { mount_from: vec!["other/one".into()], ..options() };
        let sink = sink(&registry, &options);
        assert_eq!(sink.has_blob(&descriptor(&blob)).unwrap(), !refuse_mount);
        if refuse_mount {
            push(&sink, Some(&descriptor(&blob)), &blob).unwrap();
        }
        assert_eq!(registry.blob("a/b", &descriptor(&blob).digest).unwrap(), blob);
        assert_eq!(count(&registry.seen(), "POST"), 1);
    }
    let registry = start(Behaviour::default());
    let options = RegistryOptions { mount_from: vec!["x".into()], ..options() };
    assert!(!sink(&registry, &options).has_blob(&descriptor(b"nowhere")).unwrap());
    assert_eq!(registry.open_uploads(), 0, "an unused upload is cancelled with the sink");
}

#[test]
fn a_mount_that_is_forbidden_becomes_an_upload_and_is_not_tried_again() {
    for status in [401, 403, 404] {
        let registry = start(Behaviour::default());
        registry.fault(Fault::once(On::Upload, Trouble::Status(status, None)));
        let sink = sink(&registry, &RegistryOptions { mount_from: vec!["other/one".into()], ..options() });
        for blob in [bytes(5000), bytes(6000)] {
            registry.put_blob("other/one", &blob);
            assert!(!sink.has_blob(&descriptor(&blob)).unwrap());
            push(&sink, Some(&descriptor(&blob)), &blob).unwrap();
        }
        let mounts = registry.seen().iter().filter(|seen| seen.target.contains("mount=")).count();
        assert_eq!((mounts, registry.open_uploads()), (1, 0));
    }
}

#[test]
fn a_mount_that_fails_becomes_an_upload_without_long_waits() {
    for status in [500, 502] {
        let registry = start(Behaviour::default());
        let patient = TransferOptions { retries: 5, persistence: Duration::from_secs(20), ..Default::default() };
        let mount_from = vec!["other/one".into()];
        let sink = sink(&registry, &RegistryOptions { mount_from, transfer: patient, ..options() });
        let begun = Instant::now();
        registry.fault(Fault { on: On::Upload, trouble: Trouble::Status(status, None), times: 2 });
        for blob in [bytes(5000), bytes(6000)] {
            registry.put_blob("other/one", &blob);
            assert!(!sink.has_blob(&descriptor(&blob)).unwrap());
            push(&sink, Some(&descriptor(&blob)), &blob).unwrap();
        }
        let mounts = registry.seen().iter().filter(|seen| seen.target.contains("mount=")).count();
        assert_eq!((mounts, registry.open_uploads()), (2, 0));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
}

#[test]
fn passwords_tokens_and_their_absence() {
    let user = || Some(("ann".to_owned(), "pw".to_owned()));
    let token = |login, uses| Auth::Token { login, identity: None, uses };
    let cases = [
        (Auth::Basic { user: "ann".into(), password: "pw".into() }, login("ann", "pw"), true),
        (Auth::Basic { user: "ann".into(), password: "pw".into() }, login("ann", "wrong"), false),
        (Auth::Basic { user: "ann".into(), password: "pw".into() }, options(), false),
        (token(None, 100), options(), true),
        (token(user(), 100), login("ann", "pw"), true),
        (token(user(), 100), login("ann", "wrong"), false),
        (token(user(), 100), options(), false),
    ];
    for (auth, options, good) in cases {
        let registry = start(Behaviour { auth: auth.clone(), ..Default::default() });
        registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
        let source = source(&registry, &options);
        match source.manifest() {
            Ok(_) => assert!(good, "{auth:?}"),
            Err(error) => {
                let text = whole(&error);
                assert!(!good && text.contains("401") && text.contains("UNAUTHORIZED"), "{auth:?}: {text}");
                assert!(!text.contains("wrong") && !text.contains("ann"), "{text}");
            }
        }
        assert!(!format!("{source:?}").contains("pw"));
    }
}

#[test]
fn one_token_serves_until_it_ends_and_then_one_more() {
    let registry =
        start(Behaviour { auth: Auth::Token { login: None, identity: None, uses: 100 }, ..Default::default() });
    let blob = bytes(100);
    registry.put_blob("a/b", &blob);
    let source = source(&registry, &options());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(fetch(&source, &descriptor(&blob)).unwrap(), blob));
        }
    });
    assert_eq!(registry.tokens_given(), 1);

    registry.behave(|b| b.auth = Auth::Token { login: None, identity: None, uses: 2 });
    let sink = sink(&registry, &options());
    let large = bytes(17 * MIB);
    push(&sink, None, &large).unwrap();
    assert_eq!(registry.blob("a/b", &descriptor(&large).digest).unwrap(), large);
    assert_eq!(registry.tokens_given(), 4, "POST, 3 PATCH and PUT at two requests a token");
}

#[test]
fn an_identity_token_is_changed_into_access_tokens() {
    let auth = Auth::Token { login: Some(("x".into(), "y".into())), identity: Some("id&entity".into()), uses: 9 };
    let registry = start(Behaviour { auth, ..Default::default() });
    registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
    let dir = tempfile::tempdir().unwrap();
    let authfile = dir.path().join("auth.json");
    std::fs::write(&authfile, format!(r#"{{"auths":{{"{}/a":{{"identitytoken":"id&entity"}}}}}}"#, registry.host()))
        .unwrap();
    let options = RegistryOptions { anonymous: false, authfile: Some(authfile), ..options() };
    assert_eq!(source(&registry, &options).manifest().unwrap(), raw(MANIFEST));
    assert!(registry.seen().iter().all(|seen| !seen.target.contains("entity")));
    // It goes along on the same host, and to no other.
    registry.fault(Fault::once(On::Token, Trouble::Moved("/token".to_owned())));
    assert_eq!(source(&registry, &options).manifest().unwrap(), raw(MANIFEST));
    let other = start(Behaviour::default());
    registry.fault(Fault::lasting(On::Token, Trouble::Moved(format!("{}/token", other.url()))));
    let text = whole(&source(&registry, &options).manifest().unwrap_err());
    assert!(text.contains("identity token to another host") && other.seen().is_empty(), "{text}");
}

#[test]
fn a_registry_that_refuses_everything_is_not_asked_for_long() {
    // A token is renewed once: it may have ended, or been damaged.
    for (auth, times) in [
        (Auth::Basic { user: "ann".into(), password: "pw".into() }, 2),
        (Auth::Token { login: None, identity: None, uses: 100 }, 3),
    ] {
        let registry = start(Behaviour { auth, refuse_all: true, ..Default::default() });
        let text = whole(&source(&registry, &login("ann", "pw")).manifest().unwrap_err());
        assert!(text.contains("401"), "{text}");
        let asked = registry.seen().iter().filter(|seen| seen.target.contains("/manifests/")).count();
        assert_eq!(asked, times);
    }
}

#[test]
fn credentials_stay_at_home_when_blobs_and_uploads_do_not() {
    let blob = bytes(9 * MIB);
    for auth in [
        Auth::Basic { user: "ann".into(), password: "pw".into() },
        Auth::Token { login: Some(("ann".into(), "pw".into())), identity: None, uses: 100 },
    ] {
        let elsewhere = start(Behaviour::default());
        elsewhere.put_blob("a/b", &blob);
        let (blobs_at, uploads_at) = (Some(elsewhere.url()), Some(elsewhere.url()));
        let registry = start(Behaviour { auth, blobs_at, uploads_at, ..Default::default() });
        let options = login("ann", "pw");
        assert_eq!(fetch(&source(&registry, &options), &descriptor(&blob)).unwrap(), blob);
        // The upload opens at home and is unknown elsewhere, which is all this needs: it went there, without credentials.
        assert!(push(&sink(&registry, &options), Some(&descriptor(&blob)), &blob).is_err());
        let seen = elsewhere.seen();
        assert!(count(&seen, "GET") == 1 && count(&seen, "PUT") == 1, "{seen:?}");
        assert!(seen.iter().all(|seen| seen.authorization.is_none()), "{seen:?}");
        assert!(registry.seen().iter().any(|seen| seen.authorization.is_some()));
    }
}

#[test]
fn a_redirect_loop_ends_and_tells_no_signature() {
    let registry = start(Behaviour::default());
    registry.behave(|b| b.blobs_at = Some(registry.url()));
    let text = fetch(&source(&registry, &options()), &descriptor(b"x")).unwrap_err();
    assert!(text.contains("too many redirects") && !text.contains("s3cret"), "{text}");
}

#[test]
fn what_comes_must_be_what_was_asked_for() {
    let blob = bytes(3 * MIB);
    type Change = fn(&mut Behaviour);
    let cases: [(&str, Change); 5] = [
        ("expected 3145728 bytes, found 3145738", |b| b.extra = 10),
        ("expected 3145728 bytes, found 3145718", |b| b.extra = -10),
        ("expected 3145728 bytes, found 3145718", |b| (b.extra, b.no_length) = (-10, true)),
        ("network failure", |b| b.cut = true),
        ("text/html", |b| b.page = true),
    ];
    for (words, change) in cases {
        let registry = start(Behaviour::default());
        registry.put_blob("a/b", &blob);
        registry.behave(change);
        let text = fetch(&source(&registry, &options()), &descriptor(&blob)).unwrap_err();
        assert!(text.contains(words) && text.contains(&registry.host()), "{words}: {text}");
        assert!(text.contains(&descriptor(&blob).digest.to_string()), "{text}");
    }
}

#[test]
fn manifests_are_hashed_bounded_and_no_web_pages() {
    let registry = start(Behaviour::default());
    let digest = registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
    let pinned = RegistrySource::open(&format!("{}/a/b:t@{digest}", registry.host()), &options()).unwrap();
    registry.behave(|b| (b.wrong_bytes, b.wrong_digest) = (true, true));
    assert!(matches!(pinned.manifest(), Err(ImageError::DigestMismatch { .. })));
    registry.behave(|b| b.wrong_bytes = false);
    assert_eq!(pinned.manifest().unwrap().digest, digest, "what the header says is not believed");
    registry.behave(|b| b.huge_manifest = Some(5 * MIB));
    let text = whole(&source(&registry, &options()).manifest().unwrap_err());
    assert!(text.contains("larger than 4194304 bytes"), "{text}");
    registry.behave(|b| b.page = true);
    let text = whole(&source(&registry, &options()).manifest().unwrap_err());
    assert!(text.contains("text/html"), "{text}");
}

#[test]
fn what_was_stored_must_be_what_was_sent() {
    let registry = start(Behaviour { wrong_digest: true, ..Default::default() });
    let sink = sink(&registry, &options());
    assert!(push(&sink, Some(&descriptor(b"blob")), b"blob").unwrap_err().contains("expected digest"));
    assert!(matches!(sink.finish(&raw(MANIFEST)), Err(ImageError::DigestMismatch { .. })));
    registry.behave(|b| b.wrong_digest = false);
    let lie = Descriptor::new("x", Digest::sha256(b"other"), 4);
    let mut writer = sink.start_blob(Some(&lie)).unwrap();
    writer.write_all(b"blob").unwrap();
    writer.commit(&lie).unwrap();
    let text = whole(&sink.finish(&raw(MANIFEST)).unwrap_err());
    assert!(text.contains("400") && text.contains("DIGEST_INVALID"), "{text}");
    assert_eq!(registry.open_uploads(), 0);
}

#[test]
fn absence_and_failure_are_different_errors() {
    let registry = start(Behaviour::default());
    let source = source(&registry, &options());
    assert!(matches!(source.manifest(), Err(ImageError::NotFound { .. })));
    assert!(matches!(source.blob(&descriptor(b"x")), Err(ImageError::NotFound { .. })));
    registry.behave(|b| b.fail_first = usize::MAX);
    let text = whole(&source.manifest().unwrap_err());
    assert!(text.contains("503: UNAVAILABLE: try again") && text.contains(&registry.host()), "{text}");
}

#[test]
fn a_stalled_blob_ends_in_time_and_a_dropped_one_at_once() {
    let registry = start(Behaviour { stall: true, ..Default::default() });
    let blob = bytes(10 * MIB);
    registry.put_blob("a/b", &blob);
    let patient = source(&registry, &options());
    let mut reader = patient.blob(&descriptor(&blob)).unwrap();
    reader.read_exact(&mut [0; 1000]).unwrap();
    drop(reader);
    let options = RegistryOptions { timeout: Duration::from_millis(300), ..options() };
    let text = fetch(&source(&registry, &options), &descriptor(&blob)).unwrap_err();
    assert!(text.contains("no progress while receiving for 0.3 s"), "{text}");
}

#[test]
fn plain_http_only_where_tls_is_not_asked_for() {
    let registry = start(Behaviour::default());
    registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
    let options = RegistryOptions { tls_verify: true, ..options() };
    let text = whole(&source(&registry, &options).manifest().unwrap_err());
    assert!(text.contains("network failure"), "{text}");
    assert!(registry.seen().is_empty());
    let nobody = RegistrySource::open("127.0.0.1:1/a", &self::options()).unwrap();
    let text = whole(&nobody.manifest().unwrap_err());
    assert!(
        text.contains("given up after") && text.contains("fetching manifest latest of 127.0.0.1:1/a: network failure"),
        "{text}"
    );
}
