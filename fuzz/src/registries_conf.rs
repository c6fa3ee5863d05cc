//! `registries.conf`.

use std::path::Path;

use oci_registry::{Registries, RegistryError};

/// A file is taken or refused by its name; what is taken gives every short name full names that are no short ones, and is
/// the same when it is read twice.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let path = Path::new("registries.conf");
    let mut registries = Registries::default();
    match registries.add(text, path) {
        Ok(()) => {}
        Err(RegistryError::BadFile { path: named, .. }) => return assert_eq!(named, path),
        Err(other) => panic!("{other}"),
    }
    let names = |registries: &Registries| {
        let name = |name| registries.full_names(name).map_err(|error| error.to_string());
        ["os", "os:1", "a/os@sha256:0", "h.example/os"].map(name)
    };
    let before = names(&registries);
    for full in before.iter().flatten().flatten() {
        assert_eq!(registries.full_names(full).expect("a full name").len(), 1, "{full}");
    }
    registries.add(text, path).expect("what was taken once");
    assert_eq!(names(&registries), before);
}

/// A file of version 2 with everything, and one of version 1.
pub fn seeds() -> Vec<Vec<u8>> {
    let new = "unqualified-search-registries = ['s.example', 't.example:5000']\ncredential-helpers = ['containers-auth.json']\n\
        short-name-mode = 'permissive'\n[[registry]]\nprefix = '*.example'\nlocation = 'l.example/p'\ninsecure = true\nblocked = false\n\
        [[registry.mirror]]\nlocation = 'm.example'\npull-from-mirror = 'digest-only'\n[[registry]]\nlocation = 'h.example'\n\
        mirror-by-digest-only = true\n[[registry.mirror]]\nlocation = 'n.example'\n[aliases]\nos = 'h.example/os'\n'a/os' = ''\n";
    let old = "[registries.search]\nregistries = ['s.example']\n[registries.insecure]\nregistries = ['i.example']\n\
        [registries.block]\nregistries = ['b.example']\n";
    vec![new.into(), old.into()]
}
