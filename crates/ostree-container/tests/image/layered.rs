//! Layers laid over each other: what hides what, labels, and images that were damaged after they had been pulled.

use oci_image::disk;
use ostree_container::layered::PullOptions;
use ostree_core::tree::{MutableTree, Node};
use ostree_core::{CommitId, ReadObject, Xattrs, walk};
use ostree_repo::partial::{self, CommitState};
use ostree_repo::{Repo, RepoMode, TransactionOptions};
use testkit::memory_store::MemoryStore;

use crate::pulled::{commit, layer, plain_image, pull, pull_from, root};
use crate::support::{self, Image, new_repo, options, reference, temp_dir};

/// Every entry of a commit's tree with its SELinux label, directories with a slash behind their names.
fn entries(repo: &Repo, commit: &CommitId) -> Vec<String> {
    let (tree, meta) = root(repo, commit);
    let mut found = Vec::new();
    collect(repo, &mut MutableTree::stored(tree, meta), "", &mut found);
    found
}

fn collect(repo: &Repo, tree: &mut MutableTree, path: &str, found: &mut Vec<String>) {
    let meta = walk::load_dirmeta(repo, &tree.meta().expect("metadata")).expect("metadata");
    found.push(format!("{path}/{}", label(&meta.xattrs)));
    for (name, node) in tree.entries_mut(repo).expect("entries") {
        let path = format!("{path}/{name}");
        match node {
            Node::Dir(dir) => collect(repo, dir, &path, found),
            Node::File(id) => {
                let file = repo.read_file(id).expect("readable").expect("a file");
                found.push(format!("{path}{}", label(&file.header.xattrs)));
            }
        }
    }
}

fn label(xattrs: &Xattrs) -> String {
    xattrs
        .get(b"security.selinux")
        .map_or_else(String::new, |label| format!(" {}", String::from_utf8_lossy(label).trim_end_matches('\0')))
}

fn write(dir: &tempfile::TempDir, layers: Vec<Vec<u8>>) -> String {
    let name = format!("oci:{}", dir.path().join("image").display());
    let sink = disk::create_sink(&reference(&name)).expect("a sink");
    let mut image = plain_image(layers);
    image.store_layers(&*sink);
    image.finish(&*sink);
    name
}

#[test]
fn whiteouts_hide_lower_layers_alone_in_every_mode() {
    let dir = temp_dir();
    let lower = layer(&[], |tree| {
        for path in ["usr/dir/old", "usr/dir/sub/old", "usr/gone", "usr/again", "etc/gone", "usr/file", "usr/tree/leaf"]
        {
            tree.file(path, 0o644, path.as_bytes()).expect("a file");
        }
        tree.symlink("usr/link", "dir").expect("a symlink");
    });
    let upper = layer(&["/", "/usr"], |tree| {
        for path in [
            "usr/dir/!sorts-before",
            "usr/dir/.wh..wh..opq",
            "usr/.wh.gone",
            "usr/.wh.again",
            "usr/again",
            "etc/.wh.gone",
            "usr/file/is-a-directory",
            "usr/tree",
            "usr/link/not-through",
            "etc/hostname",
        ] {
            tree.file(path, 0o644, b"").expect("a file");
        }
    });
    let name = write(&dir, vec![lower, upper]);
    let mut commits = Vec::new();
    for mode in [RepoMode::Archive, RepoMode::BareUser] {
        let here = temp_dir();
        let repo = new_repo(&here, mode);
        let commit = pull(&repo, &name).expect("pulled").commit;
        let expected = [
            "/",
            "/usr/",
            "/usr/again",
            "/usr/dir/",
            "/usr/dir/!sorts-before",
            "/usr/etc/",
            "/usr/file/",
            "/usr/file/is-a-directory",
            "/usr/link/",
            "/usr/link/not-through",
            "/usr/tree",
        ];
        assert_eq!(entries(&repo, &commit), expected);
        commits.push(commit);
    }
    assert_eq!(commits.first(), commits.last());
}

#[test]
fn the_policy_in_the_final_tree_labels_all_of_it() {
    let dir = temp_dir();
    let contexts = |rules: &[u8]| {
        layer(&["/", "/etc", "/etc/selinux", "/etc/selinux/p", "/etc/selinux/p/contexts"], |tree| {
            tree.file("etc/selinux/config", 0o644, b"SELINUX=enforcing\nSELINUXTYPE=p\n").expect("a file");
            tree.file("etc/selinux/p/policy/policy.33", 0o644, b"").expect("a file");
            tree.file("etc/selinux/p/contexts/files/file_contexts", 0o644, rules).expect("a file");
        })
    };
    let files = layer(&["/", "/usr"], |tree| {
        tree.file("usr/bin/tool", 0o755, b"tool").expect("a file");
        tree.file("usr/lib/none", 0o644, b"none").expect("a file");
    });
    let first = contexts(b"/.* u:all\n/usr/bin/.* u:first\n");
    let last = contexts(b"/ u:root\n/usr(/.*)? u:usr\n/usr/bin/.* u:bin\n/usr/lib/none <<none>>\n");
    let name = write(&dir, vec![first, files, last]);
    let here = temp_dir();
    let repo = new_repo(&here, RepoMode::Archive);
    let commit = pull(&repo, &name).expect("pulled").commit;
    let found = entries(&repo, &commit);
    assert_eq!(found.first().map(String::as_str), Some("/ u:root"));
    for entry in
        ["/usr/ u:usr", "/usr/bin/ u:usr", "/usr/bin/tool u:bin", "/usr/etc/ u:usr", "/usr/etc/selinux/config u:usr"]
    {
        assert!(found.iter().any(|found| found == entry), "{entry} in {found:#?}");
    }
    assert!(found.iter().any(|found| found == "/usr/lib/none"), "{found:#?}");
}

#[test]
fn what_a_layer_brings_in_vain_stays_with_the_commit_below() {
    let dir = temp_dir();
    let store = MemoryStore::new();
    let lower = commit(&store, |tree| {
        tree.file("usr/lower", 0o644, b"the same").expect("a file");
    });
    let base = format!("oci:{}", dir.path().join("base").display());
    support::write(&store, &lower, &base, &options()).expect("encapsulated");
    let file = |content: &[u8]| {
        layer(&["/", "/usr"], |tree| {
            tree.file("usr/upper", 0o644, content).expect("a file");
        })
    };
    // One path twice: of the first file, nothing is left.
    let mut twice = file(b"the same");
    let end = twice.iter().rposition(|byte| *byte != 0).expect("a tar").next_multiple_of(512);
    twice.truncate(end);
    twice.extend(file(b"another"));
    let mut image = Image::read(&base);
    let last = image.layers.len() - 1;
    image.layers.push(twice);
    let name = reference(&image.write(&dir.path().join("image"), last));
    let here = temp_dir();
    let repo = new_repo(&here, RepoMode::BareUser);
    let transaction = TransactionOptions { fsync: Some(true), per_object_fsync: Some(false) };
    let options = PullOptions { transaction, ..PullOptions::default() };
    let commit =
        pull_from(&*disk::open_source(&name).expect("an image"), &name, &repo, options).expect("pulled").commit;
    assert_eq!(entries(&repo, &commit), ["/", "/usr/", "/usr/lower", "/usr/upper"]);
    assert!(walk::missing(&repo, &lower).expect("readable").is_empty());
}

#[test]
fn an_image_that_was_found_damaged_is_fetched_again() {
    let dir = temp_dir();
    let name = write(
        &dir,
        vec![layer(&[], |tree| {
            tree.file("usr/x", 0o644, b"x").expect("a file");
        })],
    );
    let here = temp_dir();
    let repo = new_repo(&here, RepoMode::Archive);
    let stored = pull(&repo, &name).expect("pulled");
    let layer = stored.layers.first().and_then(|layer| layer.commit).expect("a layer");
    for commit in [stored.commit, layer] {
        partial::mark(&repo, &commit, CommitState::Damaged).expect("marked");
    }
    assert_eq!(pull(&repo, &name).expect("pulled again").commit, stored.commit);
    for commit in [stored.commit, layer] {
        assert_eq!(partial::state(&repo, &commit).expect("a state"), CommitState::Complete);
    }
}
