//! Drives the search for signatures through everything that passes in a while, and what never will.

mod support;

use std::time::{Duration, Instant};

use oci_image::Digest;
use oci_registry::{RegistryOptions, TransferOptions, fetch_address};
use support::{MANIFEST, MANIFEST_TYPE, MIB, bytes, descriptor, source, whole};
use testkit::registry::{Behaviour, Fault, On, Registry, Trouble};

fn options() -> RegistryOptions {
    let transfer = TransferOptions { retries: 4, persistence: Duration::from_secs(2), ..Default::default() };
    let timeout = Duration::from_millis(500);
    RegistryOptions { tls_verify: false, anonymous: true, timeout, transfer, ..Default::default() }
}

fn start() -> Registry {
    Registry::start(Behaviour::default()).expect("the loopback interface has a free port")
}

fn status(status: u16) -> Trouble {
    Trouble::Status(status, None)
}

#[test]
fn a_file_at_an_address_is_fetched_through_faults_that_pass() {
    let signature = bytes(1000);
    let registry = start();
    let digest = registry.put_blob("a/b", &signature);
    let url = |digest: &Digest| format!("http://{}/v2/a/b/blobs/{digest}", registry.host());
    for trouble in
        [status(503), Trouble::Reset(0), Trouble::Truncate(10), Trouble::Page, Trouble::Packed, Trouble::Silence]
    {
        registry.forget();
        registry.fault(Fault::once(On::Blob, trouble.clone()));
        let found = fetch_address(&url(&digest), &options(), MIB as u64).unwrap();
        assert_eq!((found, registry.seen().len()), (Some(signature.clone()), 2), "{trouble:?}");
    }
    registry.forget();
    assert_eq!(fetch_address(&url(&Digest::sha256(b"x")), &options(), MIB as u64).unwrap(), None);
    assert_eq!(registry.seen().len(), 1, "what is not there is asked for once");
    registry.fault(Fault::lasting(On::Blob, Trouble::Page));
    let text = whole(&fetch_address(&url(&digest), &options(), MIB as u64).unwrap_err());
    assert!(text.contains("given up after") && text.contains("text/html"), "{text}");
}

#[test]
fn a_registry_that_is_away_does_not_say_that_it_keeps_no_signatures() {
    let digest = descriptor(MANIFEST).digest;
    for (answers, asked) in [(vec![503, 502, 429], 4), (vec![404], 1), (vec![501], 1)] {
        let registry = start();
        for answer in &answers {
            registry.fault(Fault::once(On::Any, status(*answer)));
        }
        assert_eq!(source(&registry, &options()).kept_signatures(&digest).unwrap(), None, "{answers:?}");
        // TLS is tried first, and leaves nothing that could be seen as a request.
        let pings = registry.seen().iter().filter(|seen| seen.target == "/v2/").count();
        assert_eq!(pings, asked, "{answers:?}");
    }
    let registry = start();
    registry.fault(Fault::lasting(On::Any, status(503)));
    let text = whole(&source(&registry, &options()).kept_signatures(&digest).unwrap_err());
    assert!(text.contains("given up after") && text.contains("503"), "{text}");
}

#[test]
fn a_registry_that_does_not_know_referrers_is_asked_once() {
    for unknown in [501, 404, 405] {
        let registry = start();
        let digest = registry.put_manifest("a/b", "t", MANIFEST_TYPE, MANIFEST);
        registry.fault(Fault::lasting(On::Any, status(unknown)));
        let started = Instant::now();
        assert_eq!(source(&registry, &options()).referrers(&digest).unwrap(), None, "{unknown}");
        assert!(started.elapsed() < Duration::from_secs(1), "{unknown}: {:?}", started.elapsed());
        let asked = registry.seen().iter().filter(|seen| seen.target.contains("/referrers/")).count();
        assert_eq!(asked, 1, "{unknown}");
    }
}
