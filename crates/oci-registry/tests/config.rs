//! A matrix of settings files: which places an image is fetched from, with which credentials, certificates and proxy.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use oci_registry::{Environment, Registries, RegistryOptions, routes};

/// One row: files and variables of a host (`ROOT` stands for its root), and what comes of them for an image.
struct Row {
    /// What it is about.
    about: &'static str,
    files: &'static [(&'static str, &'static str)],
    variables: &'static [(&'static str, &'static str)],
    user: u32,
    change: fn(&mut RegistryOptions, &Path),
    image: &'static str,
    /// One line for each place, or `error: ` and words of the message.
    expected: &'static [&'static str],
}

const ROW: Row = Row {
    about: "",
    files: &[],
    variables: &[("HOME", "ROOT/home"), ("PATH", "ROOT/bin")],
    user: 0,
    change: |_, _| {},
    image: "h.example/a/b:t",
    expected: &[],
};

const SYSTEM: &str = "etc/containers/registries.conf";
const DIGEST: &str = "h.example/a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const TAG_AND_DIGEST: &str = "h.example/a/b:t@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const MIRRORS: &str = "[[registry]]\nlocation = 'h.example'\n[[registry.mirror]]\nlocation = 'm.example:5000/x'\ninsecure = true\n\
    [[registry.mirror]]\nlocation = 'n.example'\n";
const ANN: &str = r#"{"auths":{"h.example":{"auth":"YW5uOnB3"}}}"#;
const BOB: &str =
    r#"{"auths":{"h.example/a":{"auth":"Ym9iOnB3"},"m.example:5000/x":{"auth":"bTpw"},"other":{"auth":"bzpv"}}}"#;
const HELPER: &str = "#!/bin/sh\necho '{\"Username\":\"u\",\"Secret\":\"s\"}'\n";

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("files are below the root")).expect("a scratch directory");
    fs::write(&path, text).expect("a scratch file");
    if name.starts_with("bin/") {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a scratch file");
    }
}

fn outcome(row: &Row, push: bool) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let root = dir.path().to_str().expect("a path of plain letters");
    for (name, text) in row.files {
        write(dir.path(), name, text);
    }
    let variables: Vec<(&str, String)> =
        row.variables.iter().map(|(name, value)| (*name, value.replace("ROOT", root))).collect();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let environment = Environment::new(dir.path(), row.user, &variables);
    let mut options = RegistryOptions { environment, ..Default::default() };
    (row.change)(&mut options, dir.path());
    let lines = match routes(row.image, &options, push) {
        Ok(routes) => routes.iter().map(ToString::to_string).collect(),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            vec![format!("error: {error}{cause}")]
        }
    };
    lines.into_iter().map(|line: String| line.replace(root, "ROOT")).collect()
}

fn check(rows: &[Row], push: bool) {
    for row in rows {
        let found = outcome(row, push);
        if let [expected] = row.expected
            && let Some(words) = expected.strip_prefix("error: ")
        {
            assert!(found.len() == 1 && found[0].starts_with("error: "), "{}: {found:?}", row.about);
            assert!(found[0].contains(words), "{}: {found:?}", row.about);
        } else {
            assert_eq!(found, row.expected, "{}", row.about);
        }
    }
}

#[test]
fn places() {
    check(
        &[
            Row { about: "no files", expected: &["h.example/a/b:t at https://h.example"], ..ROW },
            Row {
                about: "the hub's own host",
                image: "docker.io/library/a",
                expected: &["docker.io/library/a:latest at https://registry-1.docker.io"],
                ..ROW
            },
            Row {
                about: "mirrors in order, then the location",
                files: &[(SYSTEM, MIRRORS)],
                expected: &[
                    "m.example:5000/x/a/b:t at https://m.example:5000, mirror, insecure",
                    "n.example/a/b:t at https://n.example, mirror",
                    "h.example/a/b:t at https://h.example",
                ],
                ..ROW
            },
            Row {
                about: "mirror-by-digest-only and a tag",
                files: &[(
                    SYSTEM,
                    "[[registry]]\nlocation='h.example'\nmirror-by-digest-only=true\n[[registry.mirror]]\nlocation='m.example'",
                )],
                expected: &["h.example/a/b:t at https://h.example"],
                ..ROW
            },
            Row {
                about: "mirror-by-digest-only and a digest",
                files: &[(
                    SYSTEM,
                    "[[registry]]\nlocation='h.example'\nmirror-by-digest-only=true\n[[registry.mirror]]\nlocation='m.example'",
                )],
                image: DIGEST,
                expected: &[
                    "m.example/a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 at https://m.example, mirror",
                    "h.example/a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 at https://h.example",
                ],
                ..ROW
            },
            Row {
                about: "pull-from-mirror and a tag",
                files: &[(
                    SYSTEM,
                    "[[registry]]\nlocation='h.example'\n[[registry.mirror]]\nlocation='d.example'\npull-from-mirror='digest-only'\n\
                    [[registry.mirror]]\nlocation='t.example'\npull-from-mirror='tag-only'\n[[registry.mirror]]\nlocation='a.example'\npull-from-mirror='all'",
                )],
                expected: &[
                    "t.example/a/b:t at https://t.example, mirror",
                    "a.example/a/b:t at https://a.example, mirror",
                    "h.example/a/b:t at https://h.example",
                ],
                ..ROW
            },
            Row {
                about: "the longest prefix, which is put off the name",
                files: &[(
                    SYSTEM,
                    "[[registry]]\nlocation='h.example'\n[[registry]]\nprefix='h.example/a'\nlocation='l.example/z'\ninsecure=true",
                )],
                expected: &["l.example/z/b:t at https://l.example, insecure"],
                ..ROW
            },
            Row {
                about: "a prefix that ends within a component is none",
                files: &[(
                    SYSTEM,
                    "[[registry]]\nprefix='h.example/a/bb'\nlocation='l.example'\n[[registry]]\nprefix='h.example/a/'\nlocation='k.example/a'",
                )],
                expected: &["k.example/a/b:t at https://k.example"],
                ..ROW
            },
            Row {
                about: "subdomains without a location stay as they are",
                files: &[(SYSTEM, "[[registry]]\nprefix='*.example'\ninsecure=true")],
                expected: &["h.example/a/b:t at https://h.example, insecure"],
                ..ROW
            },
            Row {
                about: "subdomains with a location",
                files: &[(SYSTEM, "[[registry]]\nprefix='*.example'\nlocation='cache.test:5000/p'")],
                expected: &["cache.test:5000/p/a/b:t at https://cache.test:5000"],
                ..ROW
            },
            Row {
                about: "a star is as long as a letter, and comes first",
                files: &[(
                    SYSTEM,
                    "[[registry]]\nprefix='h.example'\nlocation='l.example'\n[[registry]]\nprefix='*.example'\nlocation='s.example'",
                )],
                expected: &["s.example/a/b:t at https://s.example"],
                ..ROW
            },
            Row {
                about: "a prefix with a tag",
                files: &[(SYSTEM, "[[registry]]\nprefix='h.example/a/b:t'\nlocation='l.example/c:u'")],
                expected: &["l.example/c:u at https://l.example"],
                ..ROW
            },
            Row {
                about: "a prefix with a digest, and a name with a tag too",
                files: &[(
                    SYSTEM,
                    "[[registry]]\nlocation='h.example'\n[[registry]]\nprefix='h.example/a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\n\
                    location='l.example/c@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\n\
                    [[registry.mirror]]\nlocation='m.example/c:u'",
                )],
                image: TAG_AND_DIGEST,
                expected: &[
                    "m.example/c:u at https://m.example, mirror",
                    "l.example/c@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 at https://l.example",
                ],
                ..ROW
            },
            Row {
                about: "a location that is no name",
                files: &[(SYSTEM, "[[registry]]\nprefix='h.example'\nlocation='nohost'")],
                expected: &["error: ROOT/etc/containers/registries.conf"],
                ..ROW
            },
        ],
        false,
    );
}

#[test]
fn files_and_their_order() {
    const A: &str = "[[registry]]\nprefix='h.example'\nlocation='a.example'";
    const B: &str = "[[registry]]\nprefix='h.example'\nlocation='b.example'";
    const FROM_A: &[&str] = &["a.example/a/b:t at https://a.example"];
    const FROM_B: &[&str] = &["b.example/a/b:t at https://b.example"];
    const PLAIN: &[&str] = &["h.example/a/b:t at https://h.example"];
    const USER: &str = "home/.config/containers/registries.conf";
    check(
        &[
            Row {
                about: "the user's file before the system's",
                files: &[(SYSTEM, A), (USER, B)],
                expected: FROM_B,
                ..ROW
            },
            Row {
                about: "/etc before /usr",
                files: &[(SYSTEM, A), ("usr/share/containers/registries.conf", B)],
                expected: FROM_A,
                ..ROW
            },
            Row {
                about: "/usr at last",
                files: &[("usr/share/containers/registries.conf", B)],
                expected: FROM_B,
                ..ROW
            },
            Row {
                about: "root's home is known without HOME",
                files: &[("root/.config/containers/registries.conf", B)],
                variables: &[],
                expected: FROM_B,
                ..ROW
            },
            Row {
                about: "a named file before all",
                files: &[(SYSTEM, A), (USER, A), ("named", B)],
                variables: &[("HOME", "ROOT/home"), ("CONTAINERS_REGISTRIES_CONF", "ROOT/named")],
                expected: FROM_B,
                ..ROW
            },
            Row {
                about: "a named file must be there",
                variables: &[("CONTAINERS_REGISTRIES_CONF", "ROOT/named")],
                expected: &["error: ROOT/named"],
                ..ROW
            },
            Row {
                about: "drop-ins after the file",
                files: &[(SYSTEM, A), ("etc/containers/registries.conf.d/1.conf", B)],
                expected: FROM_B,
                ..ROW
            },
            Row {
                about: "drop-ins by name",
                files: &[
                    ("etc/containers/registries.conf.d/2.conf", A),
                    ("etc/containers/registries.conf.d/10.conf", B),
                ],
                expected: FROM_A,
                ..ROW
            },
            Row {
                about: "other names are no drop-ins",
                files: &[("etc/containers/registries.conf.d/1.conf~", B)],
                expected: PLAIN,
                ..ROW
            },
            Row {
                about: "the user's drop-ins after the system's",
                files: &[
                    ("etc/containers/registries.conf.d/9.conf", A),
                    ("home/.config/containers/registries.conf.d/1.conf", B),
                ],
                expected: FROM_B,
                ..ROW
            },
            Row {
                about: "a user with a file of his own has no drop-ins of the system",
                files: &[(USER, "[[registry]]\nlocation='x.example'"), ("etc/containers/registries.conf.d/9.conf", A)],
                expected: PLAIN,
                ..ROW
            },
            Row {
                about: "a drop-in of /etc hides that of /usr",
                files: &[
                    ("usr/share/containers/registries.conf.d/1.conf", A),
                    ("etc/containers/registries.conf.d/1.conf", ""),
                ],
                expected: PLAIN,
                ..ROW
            },
            Row {
                about: "a file that does not parse is refused by name",
                files: &[("etc/containers/registries.conf.d/1.conf", "[[registry]\n")],
                expected: &["error: ROOT/etc/containers/registries.conf.d/1.conf: line 1"],
                ..ROW
            },
            Row {
                about: "the file itself may be of version 1",
                files: &[(SYSTEM, "[registries.insecure]\nregistries=['h.example']")],
                expected: &["h.example/a/b:t at https://h.example, insecure"],
                ..ROW
            },
            Row {
                about: "a drop-in may not",
                files: &[(
                    "etc/containers/registries.conf.d/1.conf",
                    "[registries.insecure]\nregistries=['h.example']",
                )],
                expected: &["error: ROOT/etc/containers/registries.conf.d/1.conf: it is of version 1"],
                ..ROW
            },
        ],
        false,
    );
}

#[test]
fn blocked() {
    const BLOCKED: &str = "[[registry]]\nlocation='h.example'\nblocked=true\n";
    const WITH_MIRROR: &str =
        "[[registry]]\nlocation='h.example'\nblocked=true\n[[registry.mirror]]\nlocation='m.example'";
    let rows = |push: bool| {
        [
            Row {
                about: "by its prefix",
                files: &[(SYSTEM, BLOCKED)],
                expected: &["error: blocked by the registry \"h.example\" in ROOT/etc/containers/registries.conf"],
                ..ROW
            },
            Row {
                about: "by its digest, whatever tag it has",
                files: &[(
                    SYSTEM,
                    "[[registry]]\nlocation='h.example/a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\nblocked=true",
                )],
                image: TAG_AND_DIGEST,
                expected: &["error: blocked"],
                ..ROW
            },
            Row {
                about: "in whatever case",
                files: &[(SYSTEM, "[[Registry]]\nLocation='h.example'\nBLOCKED=true\n")],
                expected: &["error: blocked by the registry \"h.example\" in ROOT/etc/containers/registries.conf"],
                ..ROW
            },
            Row {
                about: "its mirror serves it",
                files: &[(SYSTEM, WITH_MIRROR)],
                expected: if push { &["error: blocked"] } else { &["m.example/a/b:t at https://m.example, mirror"] },
                ..ROW
            },
            Row {
                about: "another part of the host is not",
                files: &[(SYSTEM, "[[registry]]\nlocation='h.example/z'\nblocked=true")],
                expected: &["h.example/a/b:t at https://h.example"],
                ..ROW
            },
            Row {
                about: "a part of it may be allowed",
                files: &[(
                    SYSTEM,
                    "[[registry]]\nlocation='h.example'\nblocked=true\n[[registry]]\nlocation='h.example/a'",
                )],
                expected: &["h.example/a/b:t at https://h.example"],
                ..ROW
            },
            Row {
                about: "all subdomains",
                files: &[(SYSTEM, "[[registry]]\nprefix='*.example'\nblocked=true")],
                expected: &["error: blocked"],
                ..ROW
            },
        ]
    };
    check(&rows(false), false);
    check(&rows(true), true);
    check(
        &[
            Row {
                about: "another name for a blocked location",
                files: &[(
                    SYSTEM,
                    "[[registry]]\nprefix='h.example'\nlocation='b.example'\n[[registry]]\nprefix='b.example'\nlocation='c.example'\nblocked=true",
                )],
                expected: &["error: blocked by the registry \"b.example\""],
                ..ROW
            },
            Row {
                about: "a mirror below a blocked domain serves it",
                files: &[(
                    SYSTEM,
                    "[[registry]]\nprefix='*.example'\nblocked=true\n[[registry.mirror]]\nlocation='m.example'",
                )],
                expected: &["m.example/a/b:t at https://m.example, mirror"],
                ..ROW
            },
            Row {
                about: "a mirror at the blocked location itself does not",
                files: &[(
                    SYSTEM,
                    "[[registry]]\nprefix='h.example/a'\nlocation='l.example'\nblocked=true\n[[registry.mirror]]\nlocation='l.example/m'",
                )],
                expected: &["error: blocked by the registry \"h.example/a\""],
                ..ROW
            },
            Row {
                about: "a mirror at a blocked location is left out",
                files: &[
                    (SYSTEM, MIRRORS),
                    ("etc/containers/registries.conf.d/1.conf", "[[registry]]\nlocation='n.example'\nblocked=true"),
                ],
                expected: &[
                    "m.example:5000/x/a/b:t at https://m.example:5000, mirror, insecure",
                    "h.example/a/b:t at https://h.example",
                ],
                ..ROW
            },
        ],
        false,
    );
}

#[test]
fn pushes_go_to_the_name_itself() {
    check(
        &[
            Row {
                about: "not to mirrors",
                files: &[(SYSTEM, MIRRORS)],
                expected: &["h.example/a/b:t at https://h.example"],
                ..ROW
            },
            Row {
                about: "insecure holds",
                files: &[(SYSTEM, "[[registry]]\nlocation='h.example'\ninsecure=true")],
                expected: &["h.example/a/b:t at https://h.example, insecure"],
                ..ROW
            },
        ],
        true,
    );
}

#[test]
fn options_count_more_than_insecure() {
    const INSECURE: &str = "[[registry]]\nlocation='h.example'\ninsecure=true";
    check(
        &[
            Row {
                about: "--tls-verify=false",
                change: |options, _| options.tls_verify = false,
                expected: &["h.example/a/b:t at https://h.example, insecure"],
                ..ROW
            },
            Row {
                about: "--tls-verify=true",
                files: &[(SYSTEM, INSECURE)],
                change: |options, _| options.tls_always = true,
                expected: &["h.example/a/b:t at https://h.example"],
                ..ROW
            },
        ],
        false,
    );
}

#[test]
fn credentials() {
    const USERS: &str = "home/.config/containers/auth.json";
    check(
        &[
            Row {
                about: "the first file with an entry, not the longest key of all",
                files: &[("etc/ostree/auth.json", ANN), (USERS, BOB)],
                expected: &["h.example/a/b:t at https://h.example, entry \"h.example\" of ROOT/etc/ostree/auth.json"],
                ..ROW
            },
            Row {
                about: "a file without an entry leaves it to the next",
                files: &[("run/ostree/auth.json", "{}"), (USERS, BOB)],
                expected: &[
                    "h.example/a/b:t at https://h.example, entry \"h.example/a\" of ROOT/home/.config/containers/auth.json",
                ],
                ..ROW
            },
            Row {
                about: "each place has its own",
                files: &[(SYSTEM, MIRRORS), (USERS, BOB)],
                expected: &[
                    "m.example:5000/x/a/b:t at https://m.example:5000, mirror, insecure, entry \"m.example:5000/x\" of ROOT/home/.config/containers/auth.json",
                    "n.example/a/b:t at https://n.example, mirror",
                    "h.example/a/b:t at https://h.example, entry \"h.example/a\" of ROOT/home/.config/containers/auth.json",
                ],
                ..ROW
            },
            Row {
                about: "REGISTRY_AUTH_FILE before the system's",
                files: &[("etc/ostree/auth.json", ANN), ("named", BOB)],
                variables: &[("REGISTRY_AUTH_FILE", "ROOT/named")],
                expected: &["h.example/a/b:t at https://h.example, entry \"h.example/a\" of ROOT/named"],
                ..ROW
            },
            Row {
                about: "--authfile before REGISTRY_AUTH_FILE",
                files: &[("option", ANN), ("named", BOB)],
                variables: &[("REGISTRY_AUTH_FILE", "ROOT/named")],
                change: |options, root| options.authfile = Some(root.join("option")),
                expected: &["h.example/a/b:t at https://h.example, entry \"h.example\" of ROOT/option"],
                ..ROW
            },
            Row {
                about: "users have twins of the system's files",
                files: &[("etc/ostree/auth.json", ANN), ("rt/ostree/auth.json", ANN), (USERS, BOB)],
                variables: &[("HOME", "ROOT/home"), ("XDG_RUNTIME_DIR", "ROOT/rt")],
                user: 1000,
                expected: &["h.example/a/b:t at https://h.example, entry \"h.example\" of ROOT/rt/ostree/auth.json"],
                ..ROW
            },
            Row {
                about: "docker's file at last, with addresses as keys",
                files: &[("home/.docker/config.json", r#"{"auths":{"https://h.example/v1/":{"auth":"YW5uOnB3"}}}"#)],
                expected: &[
                    "h.example/a/b:t at https://h.example, entry \"https://h.example/v1/\" of ROOT/home/.docker/config.json",
                ],
                ..ROW
            },
            Row {
                about: "credHelpers before auths",
                files: &[
                    ("bin/docker-credential-one", HELPER),
                    (USERS, r#"{"credHelpers":{"h.example":"one"},"auths":{"h.example/a":{"auth":"YTpi"}}}"#),
                ],
                expected: &[
                    "h.example/a/b:t at https://h.example, docker-credential-one (credHelpers of ROOT/home/.config/containers/auth.json)",
                ],
                ..ROW
            },
            Row {
                about: "auths before credsStore",
                files: &[
                    ("bin/docker-credential-one", HELPER),
                    (USERS, r#"{"credsStore":"one","auths":{"h.example":{"auth":"YTpi"}}}"#),
                ],
                expected: &[
                    "h.example/a/b:t at https://h.example, entry \"h.example\" of ROOT/home/.config/containers/auth.json",
                ],
                ..ROW
            },
            Row {
                about: "credsStore at last",
                files: &[
                    ("bin/docker-credential-one", HELPER),
                    (USERS, r#"{"credsStore":"one","auths":{"h.example":{}}}"#),
                ],
                expected: &[
                    "h.example/a/b:t at https://h.example, docker-credential-one (credsStore of ROOT/home/.config/containers/auth.json)",
                ],
                ..ROW
            },
            Row {
                about: "helpers of registries.conf work without any file",
                files: &[
                    ("bin/docker-credential-one", HELPER),
                    (SYSTEM, "credential-helpers=['containers-auth.json','one']"),
                ],
                expected: &["h.example/a/b:t at https://h.example, docker-credential-one (credential-helpers)"],
                ..ROW
            },
            Row {
                about: "an empty list of helpers takes no file away",
                files: &[(USERS, ANN), (SYSTEM, "credential-helpers=[]")],
                expected: &[
                    "h.example/a/b:t at https://h.example, entry \"h.example\" of ROOT/home/.config/containers/auth.json",
                ],
                ..ROW
            },
            Row {
                about: "the oldest file comes last, and has keys of which the host counts",
                files: &[(USERS, "{}"), ("home/.dockercfg", r#"{"https://h.example/v1/":{"auth":"YTpi"}}"#)],
                expected: &[
                    "h.example/a/b:t at https://h.example, entry \"https://h.example/v1/\" of ROOT/home/.dockercfg",
                ],
                ..ROW
            },
            Row {
                about: "a broken file is refused by name",
                files: &[(USERS, "{\"auths\":")],
                expected: &["error: ROOT/home/.config/containers/auth.json"],
                ..ROW
            },
            Row {
                about: "credentials that were given stay on the host they were given for",
                files: &[(SYSTEM, MIRRORS)],
                change: |options, _| options.credentials = Some(("u".into(), "p".into())),
                expected: &[
                    "m.example:5000/x/a/b:t at https://m.example:5000, mirror, insecure",
                    "n.example/a/b:t at https://n.example, mirror",
                    "h.example/a/b:t at https://h.example, the options",
                ],
                ..ROW
            },
            Row {
                about: "--auth-anonymous",
                files: &[(USERS, ANN)],
                change: |options, _| options.anonymous = true,
                expected: &["h.example/a/b:t at https://h.example"],
                ..ROW
            },
        ],
        false,
    );
}

#[test]
fn certificates_and_proxies() {
    const CERTS: &[(&str, &str)] = &[
        ("etc/docker/certs.d/h.example/ca.crt", ""),
        ("etc/containers/certs.d/m.example:5000/ca.crt", ""),
        ("home/.config/containers/certs.d/m.example:5000/ca.crt", ""),
        (SYSTEM, MIRRORS),
    ];
    check(
        &[
            Row {
                about: "each place has its own, the user's first",
                files: CERTS,
                expected: &[
                    "m.example:5000/x/a/b:t at https://m.example:5000, mirror, insecure, certificates in ROOT/home/.config/containers/certs.d/m.example:5000",
                    "n.example/a/b:t at https://n.example, mirror",
                    "h.example/a/b:t at https://h.example, certificates in ROOT/etc/docker/certs.d/h.example",
                ],
                ..ROW
            },
            Row {
                about: "--cert-dir alone",
                files: &[("etc/containers/certs.d/h.example/ca.crt", "")],
                change: |options, root| options.cert_dir = Some(root.join("own")),
                expected: &["h.example/a/b:t at https://h.example, certificates in ROOT/own"],
                ..ROW
            },
            Row {
                about: "a proxy, whose password is not shown",
                variables: &[("https_proxy", "http://user:pw@proxy.example:3128")],
                expected: &["h.example/a/b:t at https://h.example, through http://proxy.example:3128"],
                ..ROW
            },
            Row {
                about: "no proxy",
                variables: &[("HTTPS_PROXY", "proxy.example:3128"), ("NO_PROXY", ".org, example")],
                expected: &["h.example/a/b:t at https://h.example"],
                ..ROW
            },
        ],
        false,
    );
}

#[test]
fn short_names() {
    let dir = tempfile::tempdir().unwrap();
    let environment = Environment::new(dir.path(), 0, &[]);
    let names = |name: &str| {
        let all = Registries::read(&environment).and_then(|registries| registries.full_names(name));
        all.map_err(|error| error.to_string())
    };
    assert!(names("os:1").unwrap_err().contains("unqualified-search-registries"));
    write(
        dir.path(),
        SYSTEM,
        "unqualified-search-registries = ['a.example', 'b.example:5000']\n[aliases]\n'os' = 'c.example/os'",
    );
    assert_eq!(names("os:1").unwrap(), ["c.example/os:1"]);
    assert_eq!(names("x/os:1").unwrap(), ["a.example/x/os:1", "b.example:5000/x/os:1"]);
    assert_eq!(names("docker.io/os").unwrap(), ["docker.io/os"]);
    write(dir.path(), "etc/containers/registries.conf.d/shortnames.conf", "[aliases]\nos = ''\ntwo = 'd.example/two'");
    assert_eq!(names("os").unwrap(), ["a.example/os", "b.example:5000/os"]);
    assert_eq!(names("two").unwrap(), ["d.example/two"]);
    write(dir.path(), "var/cache/containers/short-name-aliases.conf", "[aliases]\ntwo = 'e.example/two'");
    assert_eq!(names("two@sha256:00").unwrap(), ["e.example/two@sha256:00"]);
    write(dir.path(), "var/cache/containers/short-name-aliases.conf", "[aliases");
    assert!(names("two").unwrap_err().contains("short-name-aliases.conf"));
    for full in ["localhost/b", "h:5000/a/b:t", "docker.io/os"] {
        assert_eq!(names(full).unwrap(), [full], "a torn file is nothing to it");
    }
    write(dir.path(), "var/cache/containers/short-name-aliases.conf", "");
    write(dir.path(), "etc/containers/registries.conf.d/z.conf", "short-name-mode = 'enforcing'");
    assert!(names("x/os").unwrap_err().contains("a.example, b.example:5000"));
}
