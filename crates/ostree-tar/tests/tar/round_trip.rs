//! Everything that is written comes back, in every flavour and cut.

use std::collections::BTreeSet;

use ostree_core::{CommitId, Metadata, ObjectName, ReadObject, StoreError};
use ostree_tar::{ChunkOptions, ExportOptions, FileMap, Flavour, ImportOptions, check_complete, import_object_set};
use testkit::memory_store::{MemoryStore, Store};
use testkit::sample::{self, SampleTree};

use crate::support::{exported, imported, take_apart};

const FLAVOURS: [Flavour; 2] = [Flavour::Links, Flavour::Shared];

type Maker = fn(&dyn Store) -> Result<CommitId, StoreError>;

fn samples() -> Vec<(MemoryStore, CommitId)> {
    let makers: [Maker; 4] = [sample::commit, sample::small_commit, sample::sysroot_only_commit, awkward_commit];
    makers
        .iter()
        .map(|make| {
            let store = MemoryStore::new();
            let commit = make(&store).unwrap();
            (store, commit)
        })
        .collect()
}

/// `etc` beside `usr/etc`, content below `/sysroot`, no `/var`, one symlink at two paths.
fn awkward_commit(store: &dyn Store) -> Result<CommitId, StoreError> {
    let mut tree = SampleTree::new(store)?;
    tree.file("etc/both/a", 0o644, b"from etc\n")?;
    tree.file("etc/both/b", 0o644, b"same name\n")?;
    tree.file("etc/clash", 0o644, b"a file\n")?;
    tree.file("usr/etc/both/b", 0o644, b"from usr/etc\n")?;
    tree.file("usr/etc/both/c", 0o644, b"from usr/etc, too\n")?;
    tree.file("usr/etc/clash/below", 0o644, b"hidden\n")?;
    tree.file("sysroot/ostree/hidden", 0o644, b"only an object\n")?;
    tree.symlink("a", "b")?;
    tree.symlink("c", "b")?;
    tree.commit(Metadata::default())
}

fn assert_same(from: &MemoryStore, to: &MemoryStore, commit: &CommitId) {
    assert_eq!(from.names(), to.names());
    check_complete(to, commit).unwrap();
    let detached = |store: &MemoryStore| store.read_detached(commit).unwrap();
    assert_eq!(detached(from), detached(to));
}

#[test]
fn export_and_import() {
    for (store, commit) in samples() {
        for flavour in FLAVOURS {
            let stream = exported(&store, &commit, flavour);
            let (back, imported) = imported(&stream).unwrap();
            assert_eq!(imported.commit, commit);
            assert_same(&store, &back, &commit);
        }
    }
}

#[test]
fn the_number_of_writers_changes_nothing() {
    let (store, commit) = samples().remove(0);
    let stream = exported(&store, &commit, Flavour::Links);
    for writers in [0, 1, 8] {
        let back = MemoryStore::new();
        let options = ImportOptions { writers, ..ImportOptions::default() };
        ostree_tar::import(&stream[..], &back, options).unwrap();
        assert_same(&store, &back, &commit);
    }
}

#[test]
fn one_layer_and_many_layers() {
    for (store, commit) in samples() {
        for flavour in FLAVOURS {
            let files = ostree_tar::files_of(&store, &commit).unwrap();
            let mut whole = Vec::new();
            let options = ExportOptions { flavour };
            ostree_tar::write_commit_layer(&store, &commit, &files, options, &mut whole).unwrap();
            let measured =
                ostree_tar::measure_commit_layer(&WithContent(&store, || Unreadable), &commit, &files, options)
                    .unwrap();
            assert_eq!(measured, whole.len() as u64);
            let (back, _) = imported(&whole).unwrap();
            assert_same(&store, &back, &commit);
            many_layers(&store, &commit, flavour, files);
        }
    }
}

fn many_layers(store: &MemoryStore, commit: &CommitId, flavour: Flavour, mut remainder: FileMap) {
    let dirs = ostree_tar::dirs_of(store, commit).unwrap();
    let middle = remainder.keys().nth(remainder.len() / 2).copied().unwrap();
    let chunk = remainder.split_off(&middle);
    let mut first = Vec::new();
    ostree_tar::write_commit_layer(store, commit, &remainder, ExportOptions { flavour }, &mut first).unwrap();
    let (back, _) = imported(&first).unwrap();
    assert!(check_complete(&back, commit).unwrap_err().to_string().contains("is incomplete"));
    for parent_dirs in [None, Some(&dirs)] {
        let mut second = Vec::new();
        let options = ChunkOptions { flavour, parent_dirs };
        ostree_tar::write_chunk_layer(store, &chunk, options, &mut second).unwrap();
        assert_eq!(
            ostree_tar::measure_chunk_layer(&WithContent(store, || Unreadable), &chunk, options).unwrap(),
            second.len() as u64
        );
        let (ids, _) = import_object_set(&second[..], &back, 2).unwrap();
        assert_eq!(ids, chunk.keys().copied().collect::<BTreeSet<_>>());
        if parent_dirs.is_some() {
            assert_parents_come_first(&second);
        }
    }
    assert_same(store, &back, commit);
}

fn assert_parents_come_first(stream: &[u8]) {
    let mut seen = BTreeSet::new();
    for piece in take_apart(stream) {
        let path = piece.path.trim_start_matches("./").trim_end_matches('/').to_owned();
        if let Some((parent, _)) = path.rsplit_once('/') {
            assert!(seen.contains(parent), "{path} comes before its directory");
        }
        seen.insert(path);
    }
}

#[test]
fn every_entry_stands_once_and_under_its_parents() {
    for (store, commit) in samples() {
        for flavour in FLAVOURS {
            let stream = exported(&store, &commit, flavour);
            let mut seen = BTreeSet::new();
            for piece in take_apart(&stream) {
                let path = piece.path.trim_start_matches("./").trim_end_matches('/').to_owned();
                assert!(seen.insert(path.clone()), "{path} stands twice");
            }
            if flavour == Flavour::Links {
                assert_parents_come_first(&stream);
            }
        }
    }
}

#[test]
fn the_checkout_shows_etc_once_and_hides_sysroot() {
    let store = MemoryStore::new();
    let commit = awkward_commit(&store).unwrap();
    let paths: BTreeSet<String> =
        take_apart(&exported(&store, &commit, Flavour::Links)).into_iter().map(|piece| piece.path).collect();
    for shown in ["etc/both/a", "etc/both/b", "etc/both/c", "etc/clash", "a", "c", "var", "var/tmp"] {
        assert!(paths.contains(shown), "{shown}");
    }
    for hidden in ["usr/etc/both/c", "etc/clash/below", "sysroot/ostree/hidden"] {
        assert!(!paths.contains(hidden), "{hidden}");
    }
}

#[test]
fn a_second_import_finds_everything_present() {
    let (store, commit) = samples().remove(0);
    let stream = exported(&store, &commit, Flavour::Shared);
    let imported = ostree_tar::import(&stream[..], &store, ImportOptions::default()).unwrap();
    assert_eq!(imported.stats.files + imported.stats.symlinks, 0);
    assert_eq!(imported.stats.present as usize, store.names().len() - 1);
    assert!(imported.detached);
}

/// Format 0 as older writers had it: `./` in front, xattrs in a directory of their own, type bits in the modes.
#[test]
fn format_0_is_read() {
    use tar::EntryType::{Link, Regular, Symlink};
    let store = MemoryStore::new();
    let mut tree = SampleTree::new(&store).unwrap();
    let xattrs = sample::xattrs(&[("user.k", b"v")]);
    let header = ostree_core::FileHeader::regular(ostree_core::Owner::default(), 0o644, xattrs.clone());
    let file = tree.put("f", &header, b"content").unwrap();
    let link = tree.symlink("l", "f").unwrap();
    let commit = tree.commit(Metadata::default()).unwrap();
    let object = |name: &ObjectName| format!("./{}", ostree_tar::path::object_path(name));
    let mut pieces = vec![];
    let mut names: Vec<_> = store.names().into_iter().filter(|name| name.kind.is_metadata()).collect();
    // The commit, then what it names.
    names.sort_by_key(|name| std::cmp::Reverse(name.kind));
    for name in names {
        let bytes = store.read_metadata(&name).unwrap().unwrap();
        pieces.push(crate::support::entry(&object(&name), Regular, "", &bytes));
    }
    for (id, set, target, content) in [(file, xattrs.encode(), "", &b"content"[..]), (link, Vec::new(), "f", &b""[..])]
    {
        let name = ostree_core::Checksum::of(&set);
        let blob = format!("./sysroot/ostree/repo/xattrs/{name}");
        pieces.push(crate::support::entry(&blob, Regular, "", &set));
        pieces.push(crate::support::entry(&format!("{}.xattrs", object(&id.object())), Link, &blob, b""));
        let kind = if target.is_empty() { Regular } else { Symlink };
        let mut piece = crate::support::entry(&object(&id.object()), kind, target, content);
        let at = piece.bytes.len() - 512 - content.len().next_multiple_of(512);
        let mut header = tar::Header::from_byte_slice(&piece.bytes[at..at + 512]).clone();
        header.set_mode(0o100644);
        header.set_cksum();
        piece.bytes[at..at + 512].copy_from_slice(header.as_bytes());
        pieces.push(piece);
    }
    let (back, imported) = imported(&crate::support::put_together(&pieces)).unwrap();
    assert_eq!(imported.commit, commit);
    assert_same(&store, &back, &commit);
}

/// The checksums are those of what ostree-ext 0.15.3 writes for this commit by `tar export` and as the layer of
/// `container encapsulate`.
#[test]
fn the_shared_flavour_has_the_bytes_of_ostree_ext() {
    let store = MemoryStore::new();
    let commit = sample::small_commit(&store).unwrap();
    let stream = exported(&store, &commit, Flavour::Shared);
    let known = "3945eb3470bb92cce65f5e8fcda21be808b0ff8eaf08ebbdc0c0bb00eb024cda";
    assert_eq!(ostree_core::Checksum::of(&stream).to_string(), known);
    let files = ostree_tar::files_of(&store, &commit).unwrap();
    let mut layer = Vec::new();
    let options = ExportOptions { flavour: Flavour::Shared };
    ostree_tar::write_commit_layer(&store, &commit, &files, options, &mut layer).unwrap();
    let known = "296c363502aa985ff127e2bbce9653cfbb9c00029718ad3fb71c8c72b3dcda7f";
    assert_eq!(ostree_core::Checksum::of(&layer).to_string(), known);
}

/// So many files that threads share the measuring.
#[test]
fn many_files_are_measured_as_they_are_written() {
    let store = MemoryStore::new();
    let mut tree = SampleTree::new(&store).unwrap();
    for number in 0..2500_usize {
        tree.file(&format!("usr/{}", "n".repeat(number % 150 + 1) + &number.to_string()), 0o644, &number.to_le_bytes())
            .unwrap();
    }
    let commit = tree.commit(Metadata::default()).unwrap();
    let files = ostree_tar::files_of(&store, &commit).unwrap();
    for flavour in FLAVOURS {
        let mut layer = Vec::new();
        ostree_tar::write_commit_layer(&store, &commit, &files, ExportOptions { flavour }, &mut layer).unwrap();
        let measured = ostree_tar::measure_commit_layer(&store, &commit, &files, ExportOptions { flavour }).unwrap();
        assert_eq!(measured, layer.len() as u64);
    }
}

/// A store whose files have other content than their own.
struct WithContent<'a, C>(&'a MemoryStore, C);

impl<R: std::io::Read + Send + 'static, C: Fn() -> R + Sync> ReadObject for WithContent<'_, C> {
    fn has_object(&self, name: &ObjectName) -> Result<bool, StoreError> {
        ReadObject::has_object(self.0, name)
    }

    fn read_metadata(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.read_metadata(name)
    }

    fn read_detached(&self, commit: &CommitId) -> Result<Option<Metadata>, StoreError> {
        self.0.read_detached(commit)
    }

    fn read_file(&self, id: &ostree_core::FileId) -> Result<Option<ostree_core::FileObject>, StoreError> {
        let file = self.0.read_file(id)?;
        Ok(file.map(|file| ostree_core::FileObject { content: Some(Box::new((self.1)())), ..file }))
    }
}

/// Content that cannot be read.
struct Unreadable;

impl std::io::Read for Unreadable {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the content is not to be read"))
    }
}

/// Content that does not have the length that its object promises spoils no stream unnoticed.
#[test]
fn files_that_change_while_they_are_written_are_noticed() {
    for length in [3, 7, 200_000] {
        let store = MemoryStore::new();
        let commit = sample::small_commit(&store).unwrap();
        let files = ostree_tar::files_of(&store, &commit).unwrap();
        let liar = WithContent(&store, || std::io::Cursor::new(vec![b'x'; length]));
        let mut out = Vec::new();
        let options = ExportOptions::default();
        let refused = ostree_tar::write_commit_layer(&liar, &commit, &files, options, &mut out).unwrap_err();
        assert!(refused.to_string().starts_with("exporting the content of file object "), "{refused}");
        assert!(ostree_tar::export(&liar, &commit, options, &mut out).is_err());
    }
}
