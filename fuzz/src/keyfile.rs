//! The `config` of a repository.

use std::path::Path;

use ostree_repo::Config;
use ostree_repo::keyfile::KeyFile;

/// What is accepted prints to a file of the same groups, keys and values; editing it changes that key alone.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let config = Config::parse(text, Path::new("config"));
    let Ok(file) = KeyFile::parse(text) else {
        assert!(config.is_err());
        return;
    };
    let mut again = KeyFile::parse(&file.to_string()).expect("what was written is readable");
    let before = content(&file);
    assert_eq!(content(&again), before);
    again.set("fuzz target", "key", "value");
    assert_eq!(again.get("fuzz target", "key"), Some("value"));
    again.remove_group("fuzz target");
    assert_eq!(content(&again), before.into_iter().filter(|(group, ..)| group != "fuzz target").collect::<Vec<_>>());
}

fn content(file: &KeyFile) -> Vec<(String, String, Option<String>)> {
    let mut content = Vec::new();
    for group in file.groups() {
        for key in file.keys(group) {
            content.push((group.to_owned(), key.to_owned(), file.get(group, key).map(str::to_owned)));
        }
    }
    content
}

/// A new repository's file, and one with everything that is known.
pub fn seeds() -> Vec<Vec<u8>> {
    let new = "[core]\nrepo_version=1\nmode=bare-user\n";
    let full = "# comment\n[core]\nrepo_version = 1\nmode=archive-z2\nfsync=false\nper-object-fsync=1\nlocking=true\n\
        lock-timeout-secs=-1\ntmp-expiry-secs=86400\nmin-free-space-size=2GB\nmin-free-space-percent=5\n\
        collection-id=org.example.Os\nparent=/parent\ntombstone-commits=true\ndisable-xattrs=0\n\n\
        [archive]\nzlib-level=9\n\n[remote \"a\"]\nurl=https://example.com/\nbranches=a;b;\n";
    vec![new.into(), full.into()]
}
