//! Policies against signatures that gpg and openssl made (testdata/make.sh): each right one is found, and each wrong one is
//! refused for its own reason.

#![allow(clippy::unwrap_used)] // A test that cannot go on is to fail.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use oci_image::{Descriptor, Digest, ImageError, RawManifest};
use oci_trust::{InStorage, Policy, SignatureStore, StorePlaces, TrustError, Verdict, annotation, judge};

/// Some time after all of them were made.
const NOW: Duration = Duration::from_secs(1_900_000_000);
const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const IMAGE: &str = "docker://h.example/p/os:1";

fn file(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

fn text(name: &str) -> String {
    String::from_utf8(file(name)).unwrap()
}

/// A registry in memory with one image.
#[derive(Default)]
struct Memory {
    image: Vec<u8>,
    addresses: BTreeMap<String, Vec<u8>>,
    kept: Option<Vec<u8>>,
    tags: BTreeMap<String, Vec<u8>>,
    referrers: Option<Vec<u8>>,
    contents: BTreeMap<Digest, Vec<u8>>,
    storage: Option<InStorage>,
    in_storage: Option<Vec<Vec<u8>>>,
}

impl Memory {
    fn new() -> Self {
        Self { image: file("manifest.json"), ..Self::default() }
    }

    fn digest(&self) -> Digest {
        Digest::sha256(&self.image)
    }

    fn lookaside(mut self, signatures: &[&str]) -> Self {
        for (index, name) in signatures.iter().enumerate() {
            let digest = Digest::sha256(&file("manifest.json"));
            let url = format!("https://s.example/p/os@sha256={}/signature-{}", digest.hex(), index + 1);
            self.addresses.insert(url, file(name));
        }
        self
    }

    fn put(&mut self, content: Vec<u8>) -> (Digest, usize) {
        let (digest, size) = (Digest::sha256(&content), content.len());
        self.contents.insert(digest.clone(), content);
        (digest, size)
    }

    fn layer(&mut self, media_type: &str, content: Vec<u8>, notes: &[(&str, String)]) -> String {
        let (digest, size) = self.put(content);
        let notes: BTreeMap<&str, &String> = notes.iter().map(|(name, value)| (*name, value)).collect();
        serde_json::json!({"mediaType": media_type, "digest": digest, "size": size, "annotations": notes}).to_string()
    }

    fn document(&mut self, layer: &str, subject: Option<&Digest>) -> Vec<u8> {
        let subject = subject.map(|digest| format!(r#","subject":{{"mediaType":"x","digest":"{digest}","size":1}}"#));
        format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"x","digest":"{}","size":0}},"layers":[{layer}]{}}}"#,
            Digest::sha256(b""),
            subject.unwrap_or_default()
        )
        .into_bytes()
    }

    fn cosigned(mut self, payload: Vec<u8>, notes: &[(&str, String)]) -> Self {
        let layer = self.layer(PAYLOAD, payload, notes);
        let manifest = self.document(&layer, None);
        let tag = format!("sha256-{}.sig", Digest::sha256(&file("manifest.json")).hex());
        self.tags.insert(tag, manifest);
        self
    }

    /// With a bundle, which the registry's list names, or a tag where it keeps no lists.
    fn bundled(mut self, bundle: Vec<u8>, by_list: bool) -> Self {
        let layer = self.layer(BUNDLE, bundle, &[]);
        let subject = self.digest();
        let manifest = self.document(&layer, Some(&subject));
        let (digest, size) = self.put(manifest);
        let entry = format!(
            r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":{size},"artifactType":"{BUNDLE}"}}"#
        );
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#).into_bytes();
        if by_list {
            self.referrers = Some(index);
        } else {
            self.tags.insert(format!("sha256-{}", subject.hex()), index);
        }
        self
    }
}

impl SignatureStore for Memory {
    fn manifest(&self) -> Result<RawManifest, ImageError> {
        RawManifest::from_bytes(self.image.clone(), None)
    }

    fn in_storage(&self) -> Option<InStorage> {
        self.storage.clone()
    }

    fn address(&self, url: &str, _: u64) -> Result<Option<Vec<u8>>, ImageError> {
        Ok(self.addresses.get(url).cloned())
    }

    fn kept_signatures(&self, _: &Digest) -> Result<Option<Vec<u8>>, ImageError> {
        Ok(self.kept.clone())
    }

    fn signatures_in_storage(&self, _: &Digest) -> Result<Option<Vec<Vec<u8>>>, ImageError> {
        Ok(self.in_storage.clone())
    }

    fn tagged(&self, tag: &str) -> Result<Option<RawManifest>, ImageError> {
        self.tags.get(tag).map(|bytes| RawManifest::from_bytes(bytes.clone(), None)).transpose()
    }

    fn referrers(&self, _: &Digest) -> Result<Option<Vec<u8>>, ImageError> {
        Ok(self.referrers.clone())
    }

    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError> {
        RawManifest::verified(self.contents[&descriptor.digest].clone(), descriptor)
    }

    fn blob(&self, descriptor: &Descriptor, _: u64) -> Result<Vec<u8>, ImageError> {
        Ok(self.contents[&descriptor.digest].clone())
    }
}

fn decide(memory: &Memory, requirements: &str, image: &str, attachments: bool) -> Result<Verdict, TrustError> {
    let dir = tempfile::tempdir().unwrap();
    let section = format!(
        "docker:\n  h.example:\n    lookaside: https://s.example/\n    use-sigstore-attachments: {attachments}\n"
    );
    std::fs::write(dir.path().join("a.yaml"), section).unwrap();
    let places = StorePlaces { named: Some(dir.path().to_owned()), home: None, is_root: true };
    let policy = Policy::parse(format!(r#"{{"default":[{requirements}]}}"#).as_bytes(), Path::new("p.json")).unwrap();
    judge(&policy, &image.parse().unwrap(), &places, memory, SystemTime::UNIX_EPOCH + NOW)
}

fn reason(memory: &Memory, requirements: &str) -> String {
    match decide(memory, requirements, IMAGE, true).unwrap().require() {
        Err(TrustError::Refused { reason, .. }) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

fn is_verified(memory: &Memory, requirements: &str) -> bool {
    decide(memory, requirements, IMAGE, true).unwrap().is_verified()
}

fn signed_by(key: &str) -> String {
    format!(r#"{{"type":"signedBy","keyType":"GPGKeys","keyPath":{:?}}}"#, path(key))
}

fn sigstore(members: &str) -> String {
    format!(r#"{{"type":"sigstoreSigned",{members},"signedIdentity":{{"type":"matchRepository"}}}}"#)
}

fn key(name: &str) -> String {
    format!(r#""keyPath":{:?}"#, path(name))
}

fn fulcio(issuer: &str, email: &str, ca: &str, log: &str) -> String {
    sigstore(&format!(
        r#""fulcio":{{"caPath":{:?},"oidcIssuer":"{issuer}","subjectEmail":"{email}"}},"rekorPublicKeyPath":{:?}"#,
        path(ca),
        path(log)
    ))
}

fn by_key() -> Vec<(&'static str, String)> {
    vec![(annotation::SIGNATURE, text("cosign.sig")), (annotation::LOG, text("cosign.promise"))]
}

fn by_certificate() -> Vec<(&'static str, String)> {
    vec![
        (annotation::SIGNATURE, text("leaf.sig")),
        (annotation::LOG, text("leaf.promise")),
        (annotation::CERTIFICATE, text("leaf.crt")),
        (annotation::CHAIN, text("between.crt")),
    ]
}

#[test]
fn simple_signatures() {
    let alice = signed_by("alice.gpg");
    let store = Memory::new().lookaside(&["simple-mallory.sig", "simple-alice.sig"]);
    let verdict = decide(&store, &alice, IMAGE, false).unwrap();
    assert!(verdict.is_verified());
    assert_eq!(verdict.steps[0].tried.len(), 2);
    assert!(verdict.steps[0].tried[0].result.as_ref().unwrap_err().contains("public key not found"));
    assert!(verdict.steps[0].tried[1].result.as_ref().unwrap().origin.ends_with("alice.gpg"));
    assert!(is_verified(&store, &format!("{alice},{}", signed_by("mallory.gpg"))), "both must have signed, and have");

    let one = Memory::new().lookaside(&["simple-mallory.sig"]);
    assert!(reason(&one, &alice).contains("is not accepted: public key not found"));
    assert!(reason(&one, &format!("{},{alice}", signed_by("mallory.gpg"))).contains("public key not found"));
    assert_eq!(reason(&Memory::new(), &alice), "A signature was required, but no signature exists");
    assert!(reason(&store, &signed_by("none.gpg")).contains("none.gpg: No such file"));
    assert!(reason(&store, &signed_by("p256.sig")).contains("p256.sig"));
    let x509 = alice.replace("GPGKeys", "X509Certificates");
    assert!(reason(&store, &x509).contains("X509Certificates are not supported"));
}

#[test]
fn simple_signatures_of_something_else() {
    let alice = signed_by("alice.gpg");
    let mut other = Memory::new();
    other.image.push(b'\n');
    let url = format!("https://s.example/p/os@sha256={}/signature-1", other.digest().hex());
    other.addresses.insert(url, file("simple-alice.sig"));
    assert!(reason(&other, &alice).contains("does not match"));

    let mut changed = Memory::new().lookaside(&["simple-alice.sig"]);
    for signature in changed.addresses.values_mut() {
        let last = signature.len() - 5;
        signature[last] ^= 1;
    }
    reason(&changed, &alice);
    for garbage in [&b""[..], b"x", b"{}"] {
        changed.addresses.values_mut().for_each(|signature| *signature = garbage.to_vec());
        reason(&changed, &alice);
    }

    let store = Memory::new().lookaside(&["simple-alice.sig"]);
    let refused = decide(&store, &alice, "docker://h.example/p/os:2", false).unwrap();
    assert!(refused.require().unwrap_err().to_string().contains("Signature for identity h.example/p/os:1"));
    let by_digest = format!("docker://h.example/p/os@{}", store.digest());
    assert!(decide(&store, &alice, &by_digest, false).unwrap().is_verified());
}

#[test]
fn a_registry_that_keeps_signatures_itself_is_asked_alone() {
    use base64::Engine;
    let content = base64::engine::general_purpose::STANDARD.encode(file("simple-alice.sig"));
    let list = format!(r#"{{"signatures":[{{"schemaVersion":2,"name":"x","type":"atomic","content":"{content}"}}]}}"#);
    let store = Memory { kept: Some(list.into_bytes()), ..Memory::new() };
    assert!(is_verified(&store, &signed_by("alice.gpg")));
    let empty = br#"{"signatures":[]}"#.to_vec();
    let store = Memory { kept: Some(empty), ..Memory::new().lookaside(&["simple-alice.sig"]) };
    assert!(reason(&store, &signed_by("alice.gpg")).contains("no signature exists"));
}

#[test]
fn sigstore_by_a_key() {
    let store = Memory::new().cosigned(file("cosign.payload"), &by_key());
    let logged = format!(r#"{},"rekorPublicKeyPath":{:?}"#, key("p256.pub"), path("log.pub"));
    assert!(is_verified(&store, &sigstore(&key("p256.pub"))));
    assert!(is_verified(&store, &sigstore(&logged)));
    assert!(is_verified(&store, &sigstore(&format!(r#""keyPaths":[{:?},{:?}]"#, path("rsa.pub"), path("p256.pub")))));
    assert!(reason(&store, &sigstore(&key("p384.pub"))).contains("verification failed: by none of ECDSA P-384"));
    let wrong_log = format!(r#"{},"rekorPublicKeyPath":{:?}"#, key("p256.pub"), path("p256.pub"));
    assert!(reason(&store, &sigstore(&wrong_log)).contains("by no key of the policy"));
    assert!(reason(&store, &sigstore(&key("none.pub"))).contains("none.pub: No such file"));
    let exact = sigstore(&key("p256.pub")).replace("matchRepository", "matchRepoDigestOrExact");
    assert!(reason(&store, &exact).contains("it names no tag"));
    let refused = decide(&store, &sigstore(&key("p256.pub")), "docker://h.example/p/os:1", false).unwrap();
    assert!(refused.require().unwrap_err().to_string().contains("use-sigstore-attachments is not set"));
    let elsewhere = decide(&store, &sigstore(&key("p256.pub")), "docker://h.example/p/other:1", true).unwrap();
    assert!(elsewhere.require().unwrap_err().to_string().contains("Signature for identity h.example/p/os"));

    let unlogged = Memory::new().cosigned(file("cosign.payload"), &by_key()[..1]);
    assert!(is_verified(&unlogged, &sigstore(&key("p256.pub"))));
    assert!(reason(&unlogged, &sigstore(&logged)).contains("missing dev.sigstore.cosign/bundle"));
    let unsigned = Memory::new().cosigned(file("cosign.payload"), &[]);
    assert!(reason(&unsigned, &sigstore(&key("p256.pub"))).contains("missing dev.cosignproject.cosign/signature"));
    let changed = Memory::new().cosigned([file("cosign.payload"), b" ".to_vec()].concat(), &by_key());
    assert!(reason(&changed, &sigstore(&key("p256.pub"))).contains("verification failed"));
    let mut swapped = by_key();
    swapped[1].1 = text("leaf.promise");
    let swapped = Memory::new().cosigned(file("cosign.payload"), &swapped);
    assert!(reason(&swapped, &sigstore(&logged)).contains("another signature"));
}

#[test]
fn sigstore_of_another_image() {
    let mut store = Memory::new().cosigned(file("cosign.payload"), &by_key());
    store.image.push(b'\n');
    let old = store.tags.pop_first().unwrap().1;
    store.tags.insert(format!("sha256-{}.sig", store.digest().hex()), old);
    assert!(reason(&store, &sigstore(&key("p256.pub"))).contains("does not match"));
}

#[test]
fn sigstore_by_a_certificate() {
    let store = Memory::new().cosigned(file("cosign.payload"), &by_certificate());
    let good = fulcio("https://idp.example", "alice@example.org", "root.crt", "log.pub");
    assert!(is_verified(&store, &good));
    let refused = |requirement: String| reason(&store, &requirement);
    assert!(refused(fulcio("https://other", "alice@example.org", "root.crt", "log.pub")).contains("OIDC issuer"));
    assert!(
        refused(fulcio("https://idp.example", "bob@example.org", "root.crt", "log.pub")).contains("Required email")
    );
    assert!(refused(fulcio("https://idp.example", "alice@example.org", "leaf.crt", "log.pub")).contains("authority"));
    assert!(
        refused(fulcio("https://idp.example", "alice@example.org", "root.crt", "p256.pub"))
            .contains("no key of the policy")
    );
    assert!(refused(sigstore(&key("p256.pub"))).contains("verification failed"));

    let without = |gone: &str| {
        let notes: Vec<_> = by_certificate().into_iter().filter(|(name, _)| *name != gone).collect();
        reason(&Memory::new().cosigned(file("cosign.payload"), &notes), &good)
    };
    assert!(without(annotation::LOG).contains("missing"));
    assert!(without(annotation::CERTIFICATE).contains("missing"));
    assert!(without(annotation::CHAIN).contains("not from the policy's authority"));
    let mut late = by_certificate();
    late[1].1 = text("leaf-late.promise");
    assert!(
        reason(&Memory::new().cosigned(file("cosign.payload"), &late), &good)
            .contains("not from the policy's authority")
    );
    // The certificate is alice's, but the key that signed is another.
    let mut other = by_certificate();
    other[0].1 = text("cosign.sig");
    assert!(reason(&Memory::new().cosigned(file("cosign.payload"), &other), &good).contains("another signature"));
}

#[test]
fn sigstore_by_an_authority_of_ones_own() {
    let store = Memory::new().cosigned(file("cosign.payload"), &by_certificate());
    let pki = |members: &str| sigstore(&format!(r#""pki":{{{members}}}"#));
    let root = format!(r#""caRootsPath":{:?}"#, path("root.crt"));
    // The certificate held for some minutes; here it counts what time it is, and not when a log has seen it.
    let at = |seconds: u64, requirement: &str| {
        let policy = Policy::parse(format!(r#"{{"default":[{requirement}]}}"#).as_bytes(), Path::new("p")).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.yaml"), "default-docker:\n  use-sigstore-attachments: true\n").unwrap();
        let places = StorePlaces { named: Some(dir.path().to_owned()), home: None, is_root: true };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        judge(&policy, &IMAGE.parse().unwrap(), &places, &store, now).unwrap()
    };
    let alice = pki(&format!(r#"{root},"subjectEmail":"alice@example.org""#));
    assert!(at(1_700_000_300, &alice).is_verified());
    assert!(!at(1_700_009_999, &alice).is_accepted());
    assert!(!at(1_700_000_300, &pki(&format!(r#"{root},"subjectEmail":"bob@example.org""#))).is_accepted());
    assert!(at(1_700_000_300, &pki(&format!(r#"{root},"subjectHostname":"h.example""#))).is_verified());
    assert!(!at(1_700_000_300, &pki(&format!(r#"{root},"subjectHostname":"x.h.example""#))).is_accepted());
    let both = |email: &str| format!(r#"{root},"subjectEmail":"{email}","subjectHostname":"h.example""#);
    assert!(at(1_700_000_300, &pki(&both("alice@example.org"))).is_verified());
    assert!(!at(1_700_000_300, &pki(&both("bob@example.org"))).is_accepted());
    let leaf = format!(r#""caRootsPath":{:?},"subjectEmail":"alice@example.org""#, path("log.pub"));
    assert!(!at(1_700_000_300, &pki(&leaf)).is_accepted());
}

#[test]
fn bundles() {
    for by_list in [true, false] {
        let store = Memory::new().bundled(file("bundle.json"), by_list);
        assert!(is_verified(&store, &sigstore(&key("p256.pub"))), "{by_list}");
        assert!(reason(&store, &sigstore(&key("p384.pub"))).contains("verification failed"));
        let exact = sigstore(&key("p256.pub")).replace("matchRepository", "matchExact");
        assert!(reason(&store, &exact).contains("it names no image"));
        let logged = format!(r#"{},"rekorPublicKeyPath":{:?}"#, key("p256.pub"), path("log.pub"));
        assert!(reason(&store, &sigstore(&logged)).contains("no log promises"));
        assert!(is_verified(&Memory::new().bundled(file("bundle-logged.json"), by_list), &sigstore(&logged)));
        let wrong = format!(r#"{},"rekorPublicKeyPath":{:?}"#, key("p256.pub"), path("p256.pub"));
        let store = Memory::new().bundled(file("bundle-logged.json"), by_list);
        assert!(reason(&store, &sigstore(&wrong)).contains("by no key of the policy"));
    }
    let store = Memory::new().bundled(file("bundle-leaf.json"), true);
    let who = |email: &str, ca: &str| fulcio("https://idp.example", email, ca, "log.pub");
    assert!(is_verified(&store, &who("alice@example.org", "between.crt")));
    assert!(reason(&store, &who("alice@example.org", "root.crt")).contains("not from the policy's authority"));
    assert!(reason(&store, &who("bob@example.org", "between.crt")).contains("Required email"));
    let keyed = Memory::new().bundled(file("bundle-logged.json"), true);
    assert!(reason(&keyed, &who("alice@example.org", "between.crt")).contains("without a certificate"));
    let mut other = Memory::new();
    other.image.push(b'\n');
    assert!(
        reason(&other.bundled(file("bundle.json"), true), &sigstore(&key("p256.pub"))).contains("another manifest")
    );
}

#[test]
fn what_needs_no_signature_asks_for_nothing() {
    let store = Memory { image: b"no manifest".to_vec(), ..Memory::default() };
    let verdict = decide(&store, r#"{"type":"insecureAcceptAnything"}"#, IMAGE, true).unwrap();
    assert!(verdict.is_accepted() && !verdict.is_verified());
    assert!(verdict.require_signature().unwrap_err().to_string().contains("a default of `insecureAcceptAnything`"));
    assert_eq!(
        reason(&store, r#"{"type":"reject"}"#),
        "Running image docker://h.example/p/os:1 is rejected by policy."
    );
    assert!(
        reason(&store, r#"{"type":"signedBaseLayer","baseLayerIdentity":{"type":"matchExact"}}"#)
            .contains("not supported")
    );
}

#[test]
fn images_in_files() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("signature-1"), file("simple-alice.sig")).unwrap();
    let image = format!("dir:{}", dir.path().display());
    let alice = signed_by("alice.gpg");
    let exact =
        alice.replace('}', r#","signedIdentity":{"type":"exactReference","dockerReference":"h.example/p/os:1"}}"#);
    let store = Memory::new();
    assert!(decide(&store, &exact, &image, true).unwrap().is_verified());
    let nameless = decide(&store, &alice, &image, true).unwrap().require().unwrap_err().to_string();
    assert!(nameless.contains("the image has no name"), "{nameless}");
    let oci = format!("oci:{}", dir.path().display());
    assert!(!decide(&store, &exact, &oci, true).unwrap().is_accepted());
}

/// The image in a storage, as `localhost/os:1`.
fn in_storage() -> Memory {
    let name = Some("localhost/os:1".to_owned());
    let storage = Some(InStorage { driver: "vfs".into(), root: "/g".into(), name, id: "0a".repeat(32) });
    Memory { storage, ..Memory::new() }
}

#[test]
fn signatures_in_storages() {
    let kept = |name: &str, signatures: &[&str]| {
        let mut store = in_storage();
        store.storage.as_mut().unwrap().name = Some(name.to_owned());
        store.in_storage = Some(signatures.iter().map(|name| file(name)).collect());
        store
    };
    let image = "containers-storage:os:1";
    let alice = signed_by("alice.gpg");
    let verdict = decide(&kept("h.example/p/os:1", &["simple-mallory.sig", "simple-alice.sig"]), &alice, image, false);
    let verdict = verdict.unwrap();
    assert!(verdict.is_verified(), "{verdict:?}");
    assert!(verdict.steps[0].tried[1].place.contains("storage's own signature-2"));
    // The signature is for another name, by nobody who is trusted, or there is none.
    for (name, signatures) in [
        ("h.example/p/other:1", ["simple-alice.sig"].as_slice()),
        ("h.example/p/os:1", &["simple-mallory.sig"]),
        ("h.example/p/os:1", &[]),
    ] {
        assert!(!decide(&kept(name, signatures), &alice, image, false).unwrap().is_verified(), "{name}");
    }
}

#[test]
fn rules_for_storages() {
    let places = StorePlaces { named: None, home: None, is_root: true };
    let image = "containers-storage:os:1".parse().unwrap();
    let decide = |store: &Memory, scope: &str| {
        let text = format!(
            r#"{{"default":[{{"type":"reject"}}],"transports":{{"containers-storage":{{{scope:?}:[{{"type":"insecureAcceptAnything"}}]}}}}}}"#
        );
        let policy = Policy::parse(text.as_bytes(), Path::new("p.json")).unwrap();
        judge(&policy, &image, &places, store, SystemTime::UNIX_EPOCH + NOW).map(|verdict| verdict.require().is_ok())
    };
    for (scope, accepted) in [
        ("", true),
        ("[/g]", true),
        ("[vfs@/g]", true),
        ("[vfs@/g]localhost", true),
        ("[vfs@/g]localhost/os", true),
        ("[vfs@/g]localhost/os:1", true),
        ("[vfs@/g]localhost/os:1@IMAGE", true),
        ("[overlay@/g]", false),
        ("[/]", false),
        ("[vfs@/g]localhost/os:2", false),
        ("[vfs@/g]docker.io/library/os:1", false),
    ] {
        let scope = &scope.replace("IMAGE", &"0a".repeat(32));
        assert_eq!(decide(&in_storage(), scope).unwrap(), accepted, "{scope}");
    }
    // Where nobody says in which storage the image is, no such rule is passed over.
    assert!(decide(&Memory::new(), "[/g]").unwrap_err().to_string().contains("not supported"));
}
