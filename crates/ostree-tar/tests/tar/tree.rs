//! Trees of archives. The ids are those that libostree 2022.7 gives the trees of the same archives.

use std::collections::BTreeSet;
use std::io::Write as _;

use ostree_core::filter::KeepAll;
use ostree_core::tree::MutableTree;
use ostree_core::{EntryFilter, Owner, Verdict, mode};
use ostree_tar::{TarError, TreeOptions, add_archive};
use testkit::memory_store::MemoryStore;

use crate::support::{Archive, chain};

const AUTO: TreeOptions<'_> = TreeOptions { autocreate_parents: true, rename: None, writers: 1 };
const PLAIN: TreeOptions<'_> = TreeOptions { autocreate_parents: false, rename: None, writers: 0 };

/// The dirtree and dirmeta of the tree, shortened.
fn tree_with(archive: &[u8], filter: &dyn EntryFilter, options: &TreeOptions<'_>) -> Result<String, TarError> {
    let store = MemoryStore::new();
    let mut tree = MutableTree::new();
    add_archive(&mut tree, archive, &store, filter, options)?;
    let (root, meta) = tree.write(&store).unwrap();
    Ok(format!("{} {}", &root.to_string()[..16], &meta.to_string()[..8]))
}

fn tree(archive: &[u8], options: &TreeOptions<'_>) -> String {
    tree_with(archive, &KeepAll, options).unwrap()
}

fn refused(archive: &[u8], options: &TreeOptions<'_>) -> String {
    let error = tree_with(archive, &KeepAll, options).unwrap_err();
    chain(&error)
}

fn linked() -> Archive {
    Archive::default().root().dir("d", 0o755, 0, 0).add(b'0', "a", (0o640, 3, 4), "", b"data").link("d/b", "a")
}

#[test]
fn missing_parents_are_made_and_reset() {
    let missing = Archive::default().owned("a/b/c", 3, 4).owned("a/d/e", 5, 6).end();
    assert_eq!(tree(&missing, &AUTO), "d014430c68ec1aec 3b841db9");
    assert_eq!(refused(&missing, &PLAIN), "tar entry 'a/b/c' at byte 0: No such file or directory: a");
    let after = Archive::default().owned("a/b/c", 3, 4).dir("a/b", 0o701, 8, 9).dir("a", 0o702, 10, 11);
    assert_eq!(tree(&after.owned("z", 12, 0).end(), &AUTO), "78470eb9ea0f1123 f26665e9");
    let present = Archive::default().dir("./", 0o700, 5, 6).dir("a", 0o711, 1, 2).owned("a/f", 3, 4).owned("a/g", 7, 8);
    assert_eq!(tree(&present.clone().end(), &AUTO), "bf3c15e106a5b6f8 fa4cee8c");
    assert_eq!(tree(&present.end(), &PLAIN), "bf3c15e106a5b6f8 fa4cee8c");
    assert_eq!(tree(&[0; 1024], &AUTO), "6e340b9cffb37a98 446a0ef1");
    assert_eq!(tree(&[], &AUTO), "6e340b9cffb37a98 446a0ef1");
}

#[test]
fn hard_links_find_their_files_in_the_end() {
    assert_eq!(tree(&linked().end(), &PLAIN), "ce7bd07972088d89 446a0ef1");
    let forward = Archive::default().root().dir("d", 0o755, 0, 0).link("./d/b", "/a");
    assert_eq!(tree(&forward.add(b'0', "a", (0o640, 3, 4), "", b"data").end(), &PLAIN), "ce7bd07972088d89 446a0ef1");
    let chain = |order: &[usize]| {
        let links = [("b", "a"), ("c", "b"), ("z", "c")];
        let archive = Archive::default().root().file("a", "data");
        let archive = order.iter().fold(archive, |archive, at| archive.link(links[*at].0, links[*at].1));
        tree(&archive.end(), &PLAIN)
    };
    let direct = Archive::default().root().file("a", "data").link("b", "a").link("c", "a").link("z", "a");
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        assert_eq!(chain(&order), tree(&direct.clone().end(), &PLAIN));
    }
    let changed = Archive::default().root().file("a", "data").link("b", "a").file("a", "new");
    assert_eq!(tree(&changed.end(), &PLAIN), "9fa1db6a230ff11b 446a0ef1");
    let lost = Archive::default().root().link("b", "q").end();
    assert_eq!(refused(&lost, &PLAIN), "Processing deferred hardlink q: No such file or directory: q");
    let to_directory = Archive::default().root().dir("q", 0o755, 0, 0).link("b", "q").end();
    assert!(refused(&to_directory, &PLAIN).ends_with("Expected hardlink file target at \"q\" but found a directory"));
}

#[test]
fn a_hard_link_with_content_replaces_its_target() {
    let archive = Archive::default().root().file("a", "data").pax(&[("x.y", "1")]);
    let archive = archive.add(b'1', "b", (0o600, 0, 0), "a", b"other").end();
    assert_eq!(tree(&archive, &PLAIN), "8ab120e4641b67c6 446a0ef1");
    // Without PAX headers a size says nothing: some writers give that of the target.
    let mut plain = linked().bytes().to_vec();
    let start = plain.len() - 512;
    let mut header = tar::Header::from_byte_slice(&plain[start..]).clone();
    header.set_size(4);
    header.set_cksum();
    plain[start..].copy_from_slice(header.as_bytes());
    assert_eq!(tree(&Archive::of(plain).end(), &PLAIN), "ce7bd07972088d89 446a0ef1");
}

#[test]
fn xattrs_and_access_lists() {
    let archive = Archive::default()
        .pax(&[("SCHILY.xattr.user.root", "r")])
        .root()
        .pax(&[("SCHILY.xattr.user.b", "1"), ("SCHILY.xattr.user.a", "2\n3=4")])
        .file("a", "x")
        .pax(&[("SCHILY.xattr.user.l", "v")])
        .symlink("s", "a")
        .pax(&[("SCHILY.xattr.user.d", "e")])
        .dir("d", 0o755, 0, 0)
        .end();
    assert_eq!(tree(&archive, &PLAIN), "9940959741c0dc8b 1a893cfe");
    let list = "user::rw-,user:5:r--,group::r--,mask::rw-,other::r--";
    let archive = Archive::default().root().pax(&[("SCHILY.acl.access", list)]);
    let archive = archive.add(b'0', "a", (0o664, 0, 0), "", b"x").end();
    assert_eq!(tree(&archive, &PLAIN), tree(&Archive::default().root().file("a", "x").end(), &PLAIN));
}

#[test]
fn later_entries_replace_earlier_ones_of_their_kind() {
    let dirs = Archive::default().root().dir("a", 0o700, 1, 1).dir("a", 0o711, 2, 2).end();
    assert_eq!(tree(&dirs, &PLAIN), "5b7125716631736e 446a0ef1");
    let files = Archive::default().root().file("a", "1").add(b'0', "a", (0o600, 0, 0), "", b"2").end();
    assert_eq!(tree(&files, &PLAIN), "d1bd596fc9373fa2 446a0ef1");
    let archive = Archive::default().root().file("a", "1").dir("a", 0o755, 0, 0).end();
    assert!(refused(&archive, &PLAIN).ends_with("Can't replace file with directory: a"));
    let archive = Archive::default().root().dir("a", 0o755, 0, 0).file("a", "1").end();
    assert!(refused(&archive, &PLAIN).ends_with("Can't replace directory with file: a"));
    let archive = Archive::default().root().file("a", "1").file("a/b", "1").end();
    assert!(refused(&archive, &AUTO).ends_with("Can't replace file with directory: a"));
}

#[test]
fn kinds_of_entries() {
    let archive = Archive::default().root().add(b'\0', "c", (0o644, 0, 0), "", b"abc");
    let archive = archive.add(b'\0', "e/", (0o755, 0, 0), "", b"").end();
    assert_eq!(tree(&archive, &PLAIN), "e65c6b566e10740d 446a0ef1");
    for kind in [b'7', b'Z'] {
        let archive = Archive::default().root().add(kind, "c", (0o644, 0, 0), "", b"abc").end();
        assert_eq!(tree(&archive, &PLAIN), "760a5d180c157a6c 446a0ef1");
    }
    for kind in [b'3', b'4', b'6'] {
        let archive = Archive::default().root().add(kind, "c", (0o644, 0, 0), "", b"").end();
        assert_eq!(refused(&archive, &PLAIN), "tar entry 'c' at byte 512: Unsupported file type for path \"c\"");
    }
    for name in [".", "./.", "/"] {
        let archive = Archive::default().add(b'2', name, (0o777, 0, 0), "a", b"").end();
        assert!(refused(&archive, &AUTO).ends_with("in the place of the root directory"), "{name}");
    }
    assert!(refused(&Archive::default().root().symlink("s", "").end(), &PLAIN).ends_with("Invalid symlink"));
    let (negative, huge) = (0x7fff_ffff_ffff_fffe, 0x1_0000_0000);
    assert_eq!(tree(&Archive::default().root().owned("a", negative, 0).end(), &PLAIN), "4c1573835a634d9e 446a0ef1");
    assert!(refused(&Archive::default().root().owned("a", huge, 0).end(), &PLAIN).ends_with("invalid uid 4294967296"));
}

#[test]
fn ends_of_archives() {
    let archive = Archive::default().root().owned("a", 0, 0);
    assert_eq!(tree(archive.bytes(), &PLAIN), "8acba6bfec18d04d 446a0ef1");
    let mut followed = archive.clone().end();
    followed.extend_from_slice(&Archive::default().owned("b", 3, 4).end());
    assert_eq!(tree(&followed, &PLAIN), "8acba6bfec18d04d 446a0ef1");
    let cut = &archive.bytes()[..archive.bytes().len() - 100];
    assert!(refused(cut, &PLAIN).starts_with("tar stream cut off at byte"));
    assert!(refused(&b"PK\x03\x04 and no tar at all".repeat(100), &PLAIN).starts_with("Unrecognized archive format"));
}

#[test]
fn compressed_archives() {
    let archive = linked().end();
    let (first, second) = archive.split_at(700);
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    for packed in [gzip(&archive), [gzip(first), gzip(second)].concat(), [gzip(&archive), b"junk".to_vec()].concat()] {
        assert_eq!(tree(&packed, &PLAIN), "ce7bd07972088d89 446a0ef1");
    }
    let skipped = b"\x50\x2a\x4d\x18\x04\0\0\0skip".to_vec();
    for packed in [zstd(&archive), [zstd(first), zstd(second)].concat(), [skipped, zstd(&archive)].concat()] {
        assert_eq!(tree(&packed, &PLAIN), "ce7bd07972088d89 446a0ef1");
    }
    assert_eq!(tree(include_bytes!("linked.tar.xz"), &PLAIN), "ce7bd07972088d89 446a0ef1");
    let bzip2 = |bytes: &[u8]| {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    for packed in [bzip2(&archive), [bzip2(first), bzip2(second)].concat()] {
        assert_eq!(tree(&packed, &PLAIN), "ce7bd07972088d89 446a0ef1");
        assert!(refused(&packed[..packed.len() / 3], &PLAIN).starts_with("reading the tar stream at byte"));
    }
    let packed = gzip(&archive);
    assert!(refused(&packed[..packed.len() / 2], &PLAIN).starts_with("reading the tar stream at byte"));
    let lzip = "lzip archives are not supported; unpack it, or compress it as gzip, bzip2, xz or zstd";
    assert_eq!(refused(b"LZIP\x01\x0c", &PLAIN), lzip);
}

#[test]
fn sparse_files_are_expanded() {
    let map = "0,3,600000,2,700000,0";
    let records = [("GNU.sparse.major", "0"), ("GNU.sparse.minor", "1"), ("GNU.sparse.map", map)];
    let named = [("GNU.sparse.name", "a"), ("GNU.sparse.size", "700000"), ("GNU.sparse.numblocks", "3")];
    let archive =
        Archive::default().root().pax(&[&records[..], &named[..]].concat()).file("GNUSparseFile.1/a", "abcde");
    let mut whole = vec![0; 700_000];
    whole[..3].copy_from_slice(b"abc");
    whole[600_000..600_002].copy_from_slice(b"de");
    let expanded = Archive::default().root().add(b'0', "a", (0o644, 0, 0), "", &whole).end();
    assert_eq!(tree(&archive.end(), &PLAIN), tree(&expanded, &AUTO));
    let lying = Archive::default().root().pax(&[("GNU.sparse.map", "5,3,0,2"), ("GNU.sparse.size", "9")]);
    assert!(refused(&lying.file("a", "abcde").end(), &PLAIN).ends_with("malformed map of a sparse file"));
}

/// Changes owners, and leaves out what it is told to.
struct Chooser {
    skip: BTreeSet<&'static str>,
    owner: Option<Owner>,
    xattrs: bool,
}

impl EntryFilter for Chooser {
    fn decide(&self, path: &str, owner: Owner, mode: u32) -> Verdict {
        if self.skip.contains(path) {
            return Verdict::Skip;
        }
        assert_ne!(mode & mode::TYPE_MASK, 0, "{path}");
        Verdict::Keep { owner: self.owner.unwrap_or(owner), mode }
    }

    fn keeps_xattrs(&self) -> bool {
        self.xattrs
    }
}

#[test]
fn filters_decide_about_entries_but_not_made_parents() {
    let skip = Chooser { skip: BTreeSet::from(["/a/b"]), owner: None, xattrs: true };
    let archive = Archive::default().root().owned("a/b", 1, 0).owned("a/c", 2, 0).end();
    assert_eq!(tree_with(&archive, &skip, &AUTO).unwrap(), "1239e4bc89addc7e 9fdec4b5");
    let own = Chooser { skip: BTreeSet::new(), owner: Some(Owner { uid: 77, gid: 78 }), xattrs: false };
    let archive = Archive::default().dir("./", 0o700, 3, 3).file("a", "x").dir("d", 0o755, 0, 0);
    let archive = archive.symlink("s", "t").pax(&[("SCHILY.xattr.user.x", "1")]).file("q/r/s", "x").end();
    assert_eq!(tree_with(&archive, &own, &AUTO).unwrap(), "52bad2382060f115 446a0ef1");
    // The root that nobody described is asked about.
    assert!(tree_with(&[], &own, &AUTO).unwrap().ends_with(" 92640e66"));
}

#[test]
fn renaming_sees_links_and_directories() {
    let rename = |path: &str| path.strip_prefix("etc").map_or(path.to_owned(), |rest| format!("usr/etc{rest}"));
    let archive = Archive::default().root().dir("usr", 0o755, 0, 0).file("etc/x", "x").file("etc/y", "x");
    let options = TreeOptions { rename: Some(&rename), ..AUTO };
    assert_eq!(tree(&archive.link("usr/z", "etc/x").end(), &options), "9ad184e7f7e4b95d 446a0ef1");
}

#[test]
fn what_is_there_already_counts() {
    let store = MemoryStore::new();
    let mut tree = MutableTree::new();
    add_archive(&mut tree, &linked().end()[..], &store, &KeepAll, &PLAIN).unwrap();
    let (root, meta) = tree.write(&store).unwrap();
    let mut tree = MutableTree::stored(root, meta);
    let archive = Archive::default().link("d/new", "d/b").end();
    add_archive(&mut tree, &archive[..], &store, &KeepAll, &PLAIN).unwrap();
    let whole = linked().link("d/new", "a").end();
    let (root, meta) = tree.write(&store).unwrap();
    let ids = format!("{} {}", &root.to_string()[..16], &meta.to_string()[..8]);
    assert_eq!(ids, self::tree(&whole, &PLAIN));
}

#[test]
fn writers_change_nothing() {
    let archive = (0..500).fold(Archive::default().root(), |archive, at| {
        let archive = archive.file(&format!("d{}/f{at}", at % 7), &at.to_string());
        archive.link(&format!("l{at}"), &format!("d{}/f{at}", at % 7))
    });
    let archive = archive.add(b'0', "big", (0o644, 0, 0), "", &vec![7; 300_000]).end();
    let ids: BTreeSet<String> = [0, 1, 3].map(|writers| tree(&archive, &TreeOptions { writers, ..AUTO })).into();
    assert_eq!(ids.len(), 1);
}
